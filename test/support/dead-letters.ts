/** What an application can do with dead letters over REST. */
import type { WireDeadLetter } from '../../dead-letters/schemas.ts';
import type { Caller, Problem } from './caller.ts';

/** `action` is replay, discard or withhold. */
export const decide = (caller: Caller, id: string, action: string, reason = 'mended') =>
  caller.request<WireDeadLetter & Problem>('POST', `/v1/dead-letters/${id}/${action}`, { body: { reason } });

export const edit = (caller: Caller, id: string, payload: string, reason = 'mended') =>
  caller.request<WireDeadLetter & Problem>('POST', `/v1/dead-letters/${id}/edit`, { body: { reason, payload } });

export const deadLetterOf = async (caller: Caller, id: string): Promise<WireDeadLetter> =>
  (await caller.request<WireDeadLetter>('GET', `/v1/dead-letters/${id}`)).body;
