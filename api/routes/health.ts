/** Is the process alive, and can it do its work? */
import type { Client } from '@temporalio/client';
import pTimeout from 'p-timeout';
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { outboxBacklog } from '../../messaging/backlog.ts';
import { everyRoute } from '../problems.ts';
import type { Route } from '../route.ts';

const CHECK_LIMIT_MS = 1_500;

const partSchema = z.strictObject({ up: z.boolean() });
const readySchema = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    postgres: partSchema,
    temporal: partSchema,
    kafka: z
      .strictObject({
        unpublishedEvents: z.int().nullable(),
        oldestUnpublishedSeconds: z.number().nullable(),
        blockedStreams: z.int().nullable(),
      })
      .meta({
        description:
          'Does not count for readiness: events wait in the outbox. null when Postgres does not tell in time.',
      }),
  })
  .meta({ id: 'Readiness' });

export function healthRoutes({ database, client }: { database: Database; client: Client }): Route[] {
  return [
    {
      method: 'get',
      path: '/health/live',
      operationId: 'getLiveness',
      summary: 'Does the process answer?',
      tag: 'Health',
      scope: null,
      answers: { 200: { description: 'It does', schema: z.strictObject({ status: z.literal('live') }) } },
      problems: everyRoute,
      handle: async () => ({ status: 200, body: { status: 'live' } }),
    },
    {
      method: 'get',
      path: '/health/ready',
      operationId: 'getReadiness',
      summary: 'Can the service carry out commands?',
      tag: 'Health',
      scope: null,
      answers: {
        200: { description: 'Postgres and Temporal answer', schema: readySchema },
        503: { description: 'One of them does not', schema: readySchema },
      },
      problems: everyRoute,
      handle: async () => {
        const [postgres, temporal, backlog] = await Promise.all([
          within(database.$queryRaw`SELECT 1`),
          within(client.withDeadline(Date.now() + CHECK_LIMIT_MS, () => client.workflowService.getSystemInfo({}))),
          within(outboxBacklog(database)),
        ]);
        const ready = postgres !== null && temporal !== null;
        return {
          status: ready ? 200 : 503,
          body: {
            status: ready ? 'ready' : 'not_ready',
            postgres: { up: postgres !== null },
            temporal: { up: temporal !== null },
            kafka: {
              unpublishedEvents: backlog?.events ?? null,
              oldestUnpublishedSeconds: backlog?.oldestSeconds ?? null,
              blockedStreams: backlog?.blockedStreams ?? null,
            },
          },
        };
      },
    },
  ];
}

/** The answer, or null when it fails or does not come in time. */
const within = <T>(question: Promise<T>): Promise<T | null> =>
  pTimeout(question, { milliseconds: CHECK_LIMIT_MS }).catch(() => null);
