/** The page of an event version in the Web UI, as Markdown. */
import { type DecisionName, UNREAD_DAYS } from '../event-versions/stage.ts';
import type { EventVersionView } from './contract/event-version.ts';
import { plain, readable, table } from './markdown.ts';

export function eventVersionDetails(view: EventVersionView): string {
  const { stage, readers, decisions } = view;
  return [
    `**${stage[0]?.toUpperCase()}${stage.slice(1)}.** ${inWords(view)}`,
    '',
    '### Who reads it',
    '',
    ...(readers.length > 0 ? [theReaders(readers)] : ['Nobody has been seen.']),
    '',
    lookNotice(view),
    '',
    '### What may be decided',
    '',
    ...whatToDo(view),
    ...(decisions.length > 0 ? ['', '### What was decided', '', theDecisions(decisions)] : []),
  ].join('\n');
}

function inWords({ stage, before, after, filledAt, sunset }: EventVersionView): string {
  switch (stage) {
    case 'planned':
      return `Nothing is published here yet; subscribers read ${named(before)}.`;
    case 'open':
      if (before === null) return 'It is published.';
      return filledAt === null
        ? `It is being filled from ${named(before)}. What is new is published already, but for keys that are not filled yet.`
        : `It is published, and has had everything that ${named(before)} has since ${readable(filledAt)} (UTC).`;
    case 'deprecated':
      return `It is published, and its events say that it goes on through ${sunset ?? 'a day to be named'}. Subscribers are to read ${named(after)}.`;
    case 'closed':
      return `Nothing more is published here; subscribers read ${named(after)}.`;
  }
}

const named = (topic: string | null): string => (topic === null ? 'no other version' : `\`${topic}\``);

const theReaders = (readers: EventVersionView['readers']): string =>
  table(
    ['Group', 'It is', 'Records behind', 'Members', 'Last seen (UTC)'],
    ...readers.map(({ groupId, state, lag, members, lastSeenAt }) => [
      plain(groupId),
      state,
      lag,
      members,
      readable(lastSeenAt),
    ]),
  );

function lookNotice({ lookedAt, lookError }: EventVersionView): string {
  const looked = lookedAt === null ? 'Nobody has looked yet.' : `Looked at ${readable(lookedAt)} (UTC).`;
  const failed = lookError === null ? '' : ` The last look failed: ${plain(lookError)}.`;
  return `${looked}${failed} Readers that commit no offsets are not seen.`;
}

const examples: Readonly<Record<DecisionName, object>> = {
  open: { actor: 'you', reason: '...' },
  deprecate: { actor: 'you', reason: '...', sunset: '2031-01-31' },
  close: { actor: 'you', reason: '...', force: false },
};

const summaries: Readonly<Record<DecisionName, string>> = {
  open: 'Publishes it beside the version before, filled with what was told already; once more, and what it lacks is filled in',
  deprecate: 'Says in each event through which day it goes on (`sunset`); `open` takes it back',
  close: `Ends it. Refused before its sunset, and while somebody was seen within ${UNREAD_DAYS} days, unless \`force\` is true`,
};

/** What the Web UI says of an update. */
export const howTo = (action: DecisionName): string =>
  `${summaries[action].replaceAll('`', '')}: ${JSON.stringify(examples[action])}`;

function whatToDo(view: EventVersionView): string[] {
  const may = decisionsAt(view);
  if (may.length === 0)
    return [view.stage === 'closed' ? 'Nothing: it is closed for good.' : 'Nothing: there is no version after it.'];
  return may.map((action) => {
    const summary = action === 'open' && view.stage === 'deprecated' ? TAKEN_BACK : summaries[action];
    return `- \`${action}\`: ${summary}. Send \`${JSON.stringify(examples[action])}\`.`;
  });
}

const TAKEN_BACK = 'It goes on, and its events say so no more';

function decisionsAt({ stage, before, after }: EventVersionView): readonly DecisionName[] {
  switch (stage) {
    case 'planned':
      return ['open'];
    case 'open':
      return [...(before === null ? [] : (['open'] as const)), ...(after === null ? [] : (['deprecate'] as const))];
    case 'deprecated':
      return ['close', 'open', 'deprecate'];
    case 'closed':
      return [];
  }
}

const theDecisions = (decisions: EventVersionView['decisions']): string =>
  table(
    ['When (UTC)', 'What', 'Who', 'Then it was', 'Why'],
    ...decisions.map(({ at, action, actor, stage, reason }) => [
      readable(at),
      action,
      plain(actor),
      stage,
      plain(reason),
    ]),
  );
