/** How Postgres carries statements out: each with its plan and what it read, as the server tells it by auto_explain. */
import pg from 'pg';
import { z } from 'zod';
import { type Database, createDatabase } from '../../platform/database.ts';
import { testLimits } from './database.ts';

const planNode = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  'Actual Rows': z.number(),
  'Actual Loops': z.number(),
  'Rows Removed by Filter': z.number().optional(),
  'Rows Removed by Index Recheck': z.number().optional(),
  get Plans() {
    return z.array(planNode).optional();
  },
});
type PlanNode = z.infer<typeof planNode>;

const explained = z.object({ 'Query Text': z.string(), Plan: planNode });

export interface Statement {
  text: string;
  /** Rows that were given, or written. */
  given: number;
  /** Rows of tables that were read, those that a filter refused included. */
  read: number;
}

export interface ExplainedDatabase {
  database: Database;
  /** What the work sent, in its order. */
  statementsOf: (work: () => Promise<unknown>) => Promise<Statement[]>;
}

/** A database on whose connections Postgres tells the plan of every statement. */
export function explainedDatabase(url: string): ExplainedDatabase {
  const options = [
    'session_preload_libraries=auto_explain',
    'auto_explain.log_min_duration=0',
    'auto_explain.log_analyze=on',
    'auto_explain.log_timing=off',
    'auto_explain.log_format=json',
    'auto_explain.log_level=notice',
  ];
  const explaining = new URL(url);
  explaining.searchParams.set('options', options.map((option) => `-c ${option}`).join(' '));
  const statements: Statement[] = [];
  listenOnConnections((notice) => {
    const plan = /^duration: .*?plan:\n(.*)$/s.exec(notice)?.[1];
    if (plan !== undefined) statements.push(statementOf(explained.parse(JSON.parse(plan))));
  });
  const database = createDatabase({
    url: explaining.href,
    poolMax: 1,
    applicationName: 'explained',
    limits: testLimits,
  });
  return {
    database,
    statementsOf: async (work) => {
      statements.length = 0;
      await work();
      return [...statements];
    },
  };
}

/** Prisma hands out no connections, so this is asked of each as it connects. */
function listenOnConnections(onNotice: (message: string) => void): void {
  const { prototype } = pg.Client;
  const connect = Reflect.get(prototype, 'connect') as (...given: unknown[]) => unknown;
  Reflect.set(prototype, 'connect', function connectAndListen(this: pg.Client, ...given: unknown[]) {
    this.on('notice', ({ message }) => onNotice(message ?? ''));
    return connect.apply(this, given);
  });
}

function statementOf({ 'Query Text': text, Plan: plan }: z.infer<typeof explained>): Statement {
  const nodes = nodesOf(plan);
  const written = nodes.filter(({ 'Node Type': type }) => type === 'ModifyTable').flatMap(({ Plans = [] }) => Plans);
  const reading = nodes.filter((node) => node['Relation Name'] !== undefined && node['Node Type'].endsWith('Scan'));
  return {
    text,
    given: Math.max(rowsOf(plan), ...written.map(rowsOf)),
    read: reading.reduce((sum, node) => sum + readBy(node), 0),
  };
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

const rowsOf = ({ 'Actual Rows': rows, 'Actual Loops': loops }: PlanNode): number => rows * loops;

const readBy = (node: PlanNode): number =>
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) *
  node['Actual Loops'];
