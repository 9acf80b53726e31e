/** A dead letter's page in the Web UI, as Markdown: what happened, and what to press. */
import type { DeadLetterVerb, DeadLetterView } from './contract.ts';
import { plain, readable } from './markdown.ts';

/** A decision that was sent and has no answer yet. */
export interface WaitingDecision {
  verb: DeadLetterVerb;
  operator: string;
  since: string;
}

export interface DeadLetterDetailsInput {
  view: DeadLetterView | null | undefined;
  waiting: readonly WaitingDecision[];
  stuck: boolean;
}

export function deadLetterDetails({ view, waiting, stuck }: DeadLetterDetailsInput): string {
  if (view === null) return '**There is no such dead letter.**';
  return [
    ...(stuck ? [stuckNotice, ''] : []),
    ...(view ? whatHappened(view) : ['**The dead letter has not been read from Postgres yet.**']),
    '',
    ...(waiting.length > 0 ? ['### What is in progress', '', ...waiting.map(waitingLine), ''] : []),
    '### What to do',
    '',
    ...(view?.resolution ? ['Nothing: it has been decided, for good.'] : whatToDo),
    '',
    ...(view ? ['### The message', '', ...theMessage(view)] : []),
  ].join('\n');
}

const stuckNotice =
  '**STUCK.** A decision has been tried for ten minutes; see the pending activity for the reason. It goes on by itself when the cause is mended. To stop it, send the update `abandon` with your name (`actor`) and a reason.';

function whatHappened({ type, source, reason, detail, openedAt, attempts, resolution }: DeadLetterView): string[] {
  const what = type === null ? 'A record that names no event' : `The event **${plain(type)}**`;
  return [
    resolution
      ? `**${resolution.as}** by ${plain(resolution.by)}: ${plain(resolution.because)}`
      : `**Open:** \`${reason}\``,
    '',
    `${what}${source === null ? '' : ` from ${plain(source)}`} could not be handled: ${plain(detail)}`,
    '',
    '| Kept (UTC) | Tries | Decided (UTC) |',
    '| --- | --- | --- |',
    `| ${readable(openedAt)} | ${attempts} | ${resolution ? readable(resolution.at) : 'not yet'} |`,
  ];
}

const whatToDo = [
  '- When the cause is mended (the invoice was finalized, say), send the update `replay`: `{"operator": "you", "reason": "..."}`. The message is handed in again; it counts once, however often that happens. If it is refused again, this page says why.',
  '- When it must never have an effect, send the update `discard`: `{"operator": "you", "reason": "..."}`. For a payment, see to it first that the money goes back.',
  '',
  'Terminating this workflow decides nothing, and Request Cancellation changes nothing.',
];

const waitingLine = ({ verb, operator, since }: WaitingDecision): string =>
  `- \`${verb}\`, sent by ${plain(operator)} at ${readable(since)}`;

function theMessage({ id, topic, partition, offset, eventId, tenantId, payload }: DeadLetterView): string[] {
  const fence = fenceAround(payload);
  return [
    '| Topic | Partition | Offset | Event id | Tenant | Dead letter |',
    '| --- | --- | --- | --- | --- | --- |',
    `| ${plain(topic)} | ${partition} | ${offset} | ${plain(eventId ?? 'none')} | ${tenantId ?? 'not known'} | ${id} |`,
    '',
    fence,
    payload,
    fence,
  ];
}

/** Longer than any run of backticks in the text, so that a payload cannot end its own block. */
function fenceAround(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return '`'.repeat(longest + 1);
}
