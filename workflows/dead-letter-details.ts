/** A dead letter's page in the Web UI, as Markdown: what happened, and what to press. */
import type { DeadLetterView, DeadLetterDecision } from './contract/dead-letter.ts';
import { ABANDON } from '../commands/abandon.ts';
import { editableTexts } from '../dead-letters/dead-letter.ts';
import { pastTenseOf } from '../invoices/lifecycle.ts';
import type { Waiting } from './serial-updates.ts';
import { plain, readable, table } from './markdown.ts';

export interface DeadLetterDetailsInput {
  view: DeadLetterView | null | undefined;
  waiting: readonly Waiting[];
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
    ...(view?.decisions?.length ? ['### What was decided', '', theDecisions(view.decisions), ''] : []),
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
    whose(view),
    '',
    table(
      ['Stored (UTC)', 'Tries', 'Decided (UTC)'],
      [readable(openedAt), attempts, resolution ? readable(resolution.at) : 'not yet'],
    ),
  ];
}

function inWords({ direction, type, source, detail, resolution }: DeadLetterView): string {
  if (direction === 'outbound') {
    const waits = resolution
      ? 'Nothing waits behind it any more.'
      : 'The later events of the same invoice or cashier wait behind it; all others flow.';
    return `Our event **${plain(type ?? '')}** could not be sent to Kafka. ${waits} ${plain(detail)}`;
  }
  const what = type === null ? 'A record that names no event' : `The event **${plain(type)}**`;
  return `${what}${source === null ? '' : ` from ${plain(source)}`} could not be handled: ${plain(detail)}`;
}

/** Two tenants may have the same number: the tenant stands beside it. */
const whose = ({ tenantId, invoice }: DeadLetterView): string =>
  table(
    ['Tenant', 'Invoice', 'Number', 'Customer reference'],
    [
      tenantId ?? 'not known',
      invoice?.id ?? 'none',
      plain(invoice?.number ?? 'none'),
      plain(invoice?.customerReference ?? 'none'),
    ],
  );

function whatToDo({ direction, resolution, reason }: DeadLetterView): string[] {
  if (resolution) return ['Nothing: it has been decided, for good.'];
  return [
    ...(direction === 'outbound' ? forAnEvent : forAMessage(reason)),
    '',
    'Terminating this workflow decides nothing, and Request Cancellation changes nothing.',
  ];
}

const discardIt =
  '- When it must never have an effect, send the update `discard`: `{"actor": "you", "reason": "..."}`. For a payment, see to it first that the money goes back.';

const underAnotherId =
  '- Neither `replay` nor `edit` can help: the source and id are another message’s, and stay. The sender must send it anew, with an id of its own.';

/** What is wrong with these is not in the payload, which is all that `edit` can change. */
const beyondEdit: Partial<Record<string, string>> = {
  not_a_cloud_event:
    '- Neither `replay` nor `edit` can help: `edit` changes the payload, and what is missing is in the headers. Only of a record with the content type `application/cloudevents+json` the payload is the whole event; that one can be edited. The sender must send it anew, as a CloudEvent.',
  wrong_topic:
    '- Neither `replay` nor `edit` can help: an event counts on its own topic only. The sender must send it there.',
  already_discarded: underAnotherId,
  idempotency_key_reused: underAnotherId,
};

const forAMessage = (reason: string): string[] => [
  ...(beyondEdit[reason] ? [beyondEdit[reason]] : mendAndReplay),
  discardIt,
];

const mendAndReplay = [
  '- When the cause is mended (an invoice was finalized, or a day has come, say), send the update `replay`: `{"actor": "you", "reason": "..."}`. The message is handed in again; it counts once, however often that happens. If it is refused again, this page says why.',
  '- When the message itself is wrong, send the update `edit`: `{"actor": "you", "reason": "...", "payload": "{...}"}` with the whole payload as JSON text. Then send `replay`.',
];

const forAnEvent = [
  '- When the cause is mended (the topic’s size limit was raised, the permission was given), send the update `replay`: `{"actor": "you", "reason": "..."}`. The event is sent in its place, and the stream goes on. If it is refused again, this page says why.',
  `- When a text in it is what Kafka will not take, send the update \`edit\`: \`{"actor": "you", "reason": "...", "payload": "{...}"}\` with the whole payload as JSON text. It must be as the event’s schema says, and only its texts may change (${editableTexts.join(', ')}): what was recorded stays. Then send \`replay\`.`,
  '- When it can never be sent, send the update `withhold`: `{"actor": "you", "reason": "..."}`. Subscribers get an EventWithheld in its place, with its id and your reason, and the stream goes on.',
];

const theDecisions = (decisions: readonly DeadLetterDecision[]): string =>
  table(
    ['When (UTC)', 'What', 'Who', 'Then it was', 'Why'],
    ...decisions
      .toReversed()
      .map(({ at, action, actor, status, reason }) => [
        readable(at),
        action === ABANDON ? pastTenseOf(action) : action,
        plain(actor),
        status,
        plain(reason),
      ]),
  );

const waitingLine = ({ step, actor, since }: Waiting): string =>
  `- \`${step}\`, sent by ${plain(actor)} at ${readable(since)}`;

function theMessage(view: DeadLetterView): string[] {
  const { id, topic, partition, offset, eventId, payload, edited } = view;
  const fence = fenceAround(payload);
  return [
    table(
      ['Topic', 'Partition', 'Offset', 'Event id', 'Dead letter'],
      [plain(topic), partition ?? 'none', offset ?? 'none', plain(eventId ?? 'none'), id],
    ),
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
