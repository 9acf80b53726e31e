/** The page of a replay of events in the Web UI, as Markdown: how far it is, and what to press. */
import { isOpenReplay } from '../event-replays/replay.ts';
import type { EventReplayView } from './contract/event-replay.ts';
import { plain, readable, table } from './markdown.ts';

export function eventReplayDetails(view: EventReplayView | null): string {
  if (view === null) return '**There is no such replay of events.**';
  const { subscriber, status, detail, topic, begins, before, only, sent, expected, sentThrough, rate } = view;
  return [
    `**Events once more for ${plain(subscriber)}: ${status}**${detail === null ? '' : ` ${plain(detail)}`}`,
    '',
    table(
      ['Sent', 'Of about', 'Recorded up to (UTC)', 'At most a second'],
      [sent, expected ?? 'not counted, they are many', sentThrough ? readable(sentThrough) : 'nothing yet', rate],
    ),
    '',
    table(
      ['Topic', 'Tenant', 'From', 'Recorded before (UTC)', 'Only'],
      [plain(topic), view.tenantId ?? 'all', plain(begins), readable(before), plain(only)],
    ),
    '',
    '### What to do',
    '',
    ...whatToDo(view),
    '',
    '### Who',
    '',
    table(
      ['When (UTC)', 'What', 'Who', 'Why'],
      ...view.decisions
        .toReversed()
        .map(({ at, action, actor, reason }) => [readable(at), action, plain(actor), plain(reason)]),
      [readable(view.startedAt), 'start', plain(view.startedBy), plain(view.reason)],
    ),
  ].join('\n');
}

const BODY = '`{"actor": "you", "reason": "..."}`';

function whatToDo({ id, status }: EventReplayView): string[] {
  if (status === 'refused')
    return [
      'Mend the cause (the topic’s size limit, its permission), and ask for another replay that begins with the event named above: `POST /v1/event-replays`, with `from.eventId`.',
    ];
  if (!isOpenReplay(status)) return ['Nothing: it has ended, for good.'];
  return [
    status === 'paused'
      ? `- To let it go on, send the update \`resume\`: ${BODY}.`
      : `- When the subscriber does not keep up, send the update \`pause\`: ${BODY}.`,
    `- To end it before its end, send the update \`stop\`: ${BODY}.`,
    '',
    `While Kafka is away, the pending activity shows the attempts and the last error; the replay goes on by itself. It goes on as it was, too, after it was terminated. Over REST: \`GET /v1/event-replays/${id}\`.`,
  ];
}
