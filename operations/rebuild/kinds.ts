/** What is started again: of each kind the workflows that should exist, page by page. */
import { startAbsent } from '../../commands/start-workflows.ts';
import type { StartDeps, WorkflowKind } from '../../commands/workflow-kind.ts';
import { workflowKinds } from '../../registry/workflow-kinds.ts';

/** A workflow that should exist. */
export interface Due {
  workflowId: string;
  /** false: it runs already, and did not notice. */
  start: () => Promise<boolean>;
}

export interface Kind {
  name: string;
  count: () => Promise<number>;
  /** The next page, [] at the end. Asked again after a failure it gives the same page. */
  next: () => Promise<Due[]>;
}

export const kindsOf = (deps: StartDeps): Kind[] => workflowKinds.map((kind) => dueOf(deps, kind));

function dueOf<Row>({ database, client, taskQueue }: StartDeps, kind: WorkflowKind<Row>): Kind {
  let last: Row | null = null;
  return {
    name: kind.name,
    count: () => kind.count(database),
    next: async () => {
      const rows = await kind.page(database, last, kind.pageSize);
      // Moves on only after a page was read.
      last = rows.at(-1) ?? last;
      return rows.map((row) => {
        const options = kind.startOptions(taskQueue, row);
        return { workflowId: options.workflowId, start: () => startAbsent(client, kind.type, options) };
      });
    },
  };
}
