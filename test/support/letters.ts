/** What an application can do with dead letters over REST. */
import type { WireDeadLetter } from '../../domain/dead-letter-schema.ts';
import type { Caller, Problem } from './caller.ts';

/** `verb` is replay or discard. */
export const decide = (caller: Caller, id: string, verb: string, reason = 'mended') =>
  caller.request<WireDeadLetter & Problem>('POST', `/v1/dead-letters/${id}/${verb}`, { body: { reason } });

export const letterOf = async (caller: Caller, id: string): Promise<WireDeadLetter> =>
  (await caller.request<WireDeadLetter>('GET', `/v1/dead-letters/${id}`)).body;
