/** The span of an activity. It belongs to the trace that its command came with; without one it begins a trace. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { inSpan } from '../platform/tracing.ts';
import { loggedAs } from '../platform/logger.ts';
import { INTERNAL_ERROR } from '../workflows/contract/common.ts';
import type { ActivityName } from './index.ts';

/** They work for a minute at a time, whatever there is to do: what they send has spans of its own. */
const endless: ReadonlySet<string> = new Set<ActivityName>(['publishBatch', 'sendWakeups']);

/** What an activity may be asked with. */
interface Asked {
  key?: unknown;
  traceparent?: unknown;
}

export const traceActivity: ActivityInterceptorsFactory = ({ info }: Context) => ({
  inbound: {
    execute: (input, next) => {
      const { activityType, workflowExecution, attempt } = info;
      if (endless.has(activityType)) return next(input);
      const { key, traceparent } = (input.args[0] ?? {}) as Asked;
      const options = {
        parent: { traceparent: typeof traceparent === 'string' ? traceparent : undefined },
        attributes: { 'billing.workflow_id': workflowExecution?.workflowId ?? '', 'billing.attempt': attempt },
        refusalIn,
      };
      const work = () => inSpan(`activity ${activityType}`, options, () => next(input));
      return typeof key === 'string' ? loggedAs({ commandKey: key }, work) : work();
    },
  },
});

/** What no retry would change, but for a bug, is the answer of the rules. */
const refusalIn = (error: unknown): string | undefined =>
  error instanceof ApplicationFailure && error.nonRetryable && error.type !== INTERNAL_ERROR
    ? (error.type ?? undefined)
    : undefined;
