/** A dead letter's page in the Web UI, as Markdown: what happened, and what to press. */
import type { DeadLetterVerb } from '../domain/dead-letter.ts';
import type { DeadLetterView } from './contract.ts';
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
  escalated: boolean;
}

export function deadLetterDetails({ view, waiting, stuck, escalated }: DeadLetterDetailsInput): string {
  if (view === null) return '**There is no such dead letter.**';
  return [
    ...(stuck ? [stuckNotice, ''] : []),
    ...(view && escalated && !view.resolution ? [escalatedNotice(view), ''] : []),
    ...(view ? whatHappened(view) : ['**The dead letter has not been read from Postgres yet.**']),
    '',
    ...(waiting.length > 0 ? ['### What is in progress', '', ...waiting.map(waitingLine), ''] : []),
    '### What to do',
    '',
    ...(view ? whatToDo(view) : []),
    '',
    ...(view ? ['### The message', '', ...theMessage(view)] : []),
  ].join('\n');
}

const stuckNotice =
  '**STUCK.** A decision has been tried for ten minutes; see the pending activity for the reason. It goes on by itself when the cause is mended. To stop it, send the update `abandon` with your name (`actor`) and a reason.';

const escalatedNotice = ({ openedAt }: DeadLetterView): string =>
  `**ESCALATED.** It has been waiting since ${readable(openedAt)} (UTC), and nobody has decided.`;

function whatHappened(view: DeadLetterView): string[] {
  const { reason, openedAt, attempts, resolution } = view;
  return [
    resolution
      ? `**${resolution.as}** by ${plain(resolution.by)}: ${plain(resolution.because)}`
      : `**Open:** \`${reason}\``,
    '',
    inWords(view),
    '',
    '| Kept (UTC) | Tries | Decided (UTC) |',
    '| --- | --- | --- |',
    `| ${readable(openedAt)} | ${attempts} | ${resolution ? readable(resolution.at) : 'not yet'} |`,
  ];
}

function inWords({ direction, type, source, detail }: DeadLetterView): string {
  if (direction === 'outbound')
    return `Our event **${plain(type ?? '')}** could not be sent to Kafka. The later events of the same invoice or cashier wait behind it; all others flow. ${plain(detail)}`;
  const what = type === null ? 'A record that names no event' : `The event **${plain(type)}**`;
  return `${what}${source === null ? '' : ` from ${plain(source)}`} could not be handled: ${plain(detail)}`;
}

function whatToDo({ direction, resolution }: DeadLetterView): string[] {
  if (resolution) return ['Nothing: it has been decided, for good.'];
  return [
    ...(direction === 'outbound' ? forAnEvent : forAMessage),
    '',
    'Terminating this workflow decides nothing, and Request Cancellation changes nothing.',
  ];
}

const forAMessage = [
  '- When the cause is mended (the invoice was finalized, say), send the update `replay`: `{"operator": "you", "reason": "..."}`. The message is handed in again; it counts once, however often that happens. If it is refused again, this page says why.',
  '- When the message itself is wrong, send the update `edit`: `{"operator": "you", "reason": "...", "payload": "{...}"}` with the whole payload as JSON text. Then send `replay`.',
  '- When it must never have an effect, send the update `discard`: `{"operator": "you", "reason": "..."}`. For a payment, see to it first that the money goes back.',
];

const forAnEvent = [
  '- When the cause is mended (the topic’s size limit was raised, the permission was given), send the update `replay`: `{"operator": "you", "reason": "..."}`. The event is sent in its place, and the stream goes on. If it is refused again, this page says why.',
  '- When its payload is what Kafka will not take, send the update `edit`: `{"operator": "you", "reason": "...", "payload": "{...}"}` with the whole payload as JSON text. It must be as the event’s schema says, and about the same entity. Then send `replay`.',
  '- When it can never be sent, send the update `withhold`: `{"operator": "you", "reason": "..."}`. Subscribers get an EventWithheld in its place, with its id and your reason, and the stream goes on.',
];

const waitingLine = ({ verb, operator, since }: WaitingDecision): string =>
  `- \`${verb}\`, sent by ${plain(operator)} at ${readable(since)}`;

function theMessage(view: DeadLetterView): string[] {
  const { id, topic, partition, offset, eventId, tenantId, payload, edited } = view;
  const fence = fenceAround(payload);
  return [
    '| Topic | Partition | Offset | Event id | Tenant | Dead letter |',
    '| --- | --- | --- | --- | --- | --- |',
    `| ${plain(topic)} | ${partition ?? 'none'} | ${offset ?? 'none'} | ${plain(eventId ?? 'none')} | ${tenantId ?? 'not known'} | ${id} |`,
    '',
    ...(edited ? ['As it was edited; what it was before is in the audit trail:', ''] : []),
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
