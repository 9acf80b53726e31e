/** What may be decided about a version, and what a look at its readers tells. */
import { NIL } from 'uuid';
import { describe, expect, it } from 'vitest';
import { type VersionDecision, type VersionLookups, decideVersion } from '../../event-versions/decide.ts';
import type { EventVersion } from '../../event-versions/members.ts';
import { type Reader, afterLook } from '../../event-versions/readers.ts';
import type { Stage } from '../../event-versions/stage.ts';

const AT = '2030-06-15T12:00:00.000Z';
const first = { topic: 'test.v1', id: 'a', before: null, after: 'test.v2' };
const second = { topic: 'test.v2', id: 'b', before: 'test.v1', after: null };

const decision = (
  action: VersionDecision['action'],
  of: VersionDecision['of'],
  more: Partial<VersionDecision> = {},
): VersionDecision => ({
  action,
  of,
  tenantId: NIL,
  acceptedAt: AT,
  reason: 'because',
  sunset: null,
  force: false,
  isLevel: true,
  ...more,
});

const at = (of: VersionDecision['of'], stage: Stage, more: Partial<EventVersion> = {}): EventVersion => ({
  tenantId: NIL,
  id: of.id,
  topic: of.topic,
  stage,
  filledAt: null,
  sunset: null,
  version: 3,
  createdAt: AT,
  updatedAt: AT,
  ...more,
});

const unread: VersionLookups = { after: null, readers: [], isWatched: true };
const replaced: VersionLookups = { ...unread, after: { stage: 'open', filledAt: AT } };

type Given = [
  what: string,
  state: EventVersion | null,
  asked: VersionDecision,
  lookups: VersionLookups,
  comes: Partial<EventVersion> | string,
];

const deprecated = at(first, 'deprecated', { sunset: '2030-06-14' });

const table: readonly Given[] = [
  ['a later version is opened', null, decision('open', second), unread, { stage: 'open', filledAt: null, version: 1 }],
  [
    'once more: what it lacks is filled in',
    at(second, 'open', { filledAt: AT }),
    decision('open', second),
    unread,
    { stage: 'open', filledAt: null },
  ],
  ['the first is open already', null, decision('open', first), replaced, 'event_version_stage'],
  ['a deprecation is taken back', deprecated, decision('open', first), replaced, { stage: 'open', sunset: null }],
  ['what is closed stays closed', at(second, 'closed'), decision('open', second), unread, 'event_version_stage'],
  ['it has everything', at(second, 'open'), decision('fill', second), unread, { filledAt: AT }],
  [
    'deprecated when the next has everything',
    null,
    decision('deprecate', first, { sunset: '2031-01-31' }),
    replaced,
    { stage: 'deprecated', sunset: '2031-01-31' },
  ],
  [
    'another day',
    deprecated,
    decision('deprecate', first, { sunset: '2032-01-31' }),
    replaced,
    { sunset: '2032-01-31' },
  ],
  [
    'not while the next is filled',
    null,
    decision('deprecate', first, { sunset: '2031-01-31' }),
    { ...unread, after: { stage: 'open', filledAt: null } },
    'event_version_not_replaced',
  ],
  [
    'not while the next is planned',
    null,
    decision('deprecate', first, { sunset: '2031-01-31' }),
    unread,
    'event_version_not_replaced',
  ],
  [
    'not the last',
    at(second, 'open'),
    decision('deprecate', second, { sunset: '2031-01-31' }),
    unread,
    'event_version_not_replaced',
  ],
  ['not what is planned', null, decision('deprecate', second, { sunset: '2031-01-31' }), unread, 'event_version_stage'],
  ['closed when nobody reads it', deprecated, decision('close', first), replaced, { stage: 'closed' }],
  ['not before it is deprecated', at(first, 'open'), decision('close', first), replaced, 'event_version_stage'],
  [
    'not while it was read lately',
    deprecated,
    decision('close', first),
    { ...replaced, readers: ['a'] },
    'event_version_in_use',
  ],
  [
    'not while nobody has watched it',
    deprecated,
    decision('close', first),
    { ...replaced, isWatched: false },
    'event_version_in_use',
  ],
  [
    'not through its last day',
    { ...deprecated, sunset: '2030-06-15' },
    decision('close', first),
    replaced,
    'event_version_in_use',
  ],
  [
    'not while the next lacks something',
    deprecated,
    decision('close', first, { isLevel: false, force: true }),
    replaced,
    'event_version_not_replaced',
  ],
  [
    'by force all the same',
    { ...deprecated, sunset: '2031-01-31' },
    decision('close', first, { force: true }),
    { ...replaced, readers: ['a'], isWatched: false },
    { stage: 'closed' },
  ],
  [
    'not by force when the next is not there',
    deprecated,
    decision('close', first, { force: true }),
    unread,
    'event_version_not_replaced',
  ],
];

describe('MSG-09: a decision about a version', () => {
  it.each(table)('%s', (_what, state, asked, lookups, comes) => {
    const expected =
      typeof comes === 'string'
        ? { kind: 'refused', refusal: { code: comes } }
        : { kind: 'accepted', reason: 'because', state: comes };
    expect(decideVersion(state, asked, lookups)).toMatchObject(expected);
  });

  it('that it has everything is told once', () => {
    const state = at(second, 'open', { filledAt: AT });
    expect(decideVersion(state, decision('fill', second), unread)).toEqual({ kind: 'replayed', state });
  });
});

const [MONDAY, TUESDAY] = ['2030-06-10T00:00:00.000Z', '2030-06-11T00:00:00.000Z'];
const reader = (changes: Partial<Reader> = {}): Reader => ({
  groupId: 'a',
  state: 'idle',
  committed: 10n,
  lag: 5n,
  members: 0,
  firstSeenAt: MONDAY,
  lastSeenAt: MONDAY,
  ...changes,
});

describe('a look at the readers', () => {
  it.each([
    ['its offsets have moved', [reader()], { committed: 11n, lag: 4n, members: 0 }, 'moving', TUESDAY],
    ['set back is moved too', [reader()], { committed: 3n, lag: 12n, members: 0 }, 'moving', TUESDAY],
    ['at the end, with a member', [reader()], { committed: 10n, lag: 0n, members: 1 }, 'moving', TUESDAY],
    ['a member that is stuck is there', [reader()], { committed: 10n, lag: 5n, members: 1 }, 'idle', TUESDAY],
    ['neither', [reader()], { committed: 10n, lag: 5n, members: 0 }, 'idle', MONDAY],
    ['at the end, and nobody is there', [reader()], { committed: 10n, lag: 0n, members: 0 }, 'idle', MONDAY],
    ['seen for the first time', [], { committed: 10n, lag: 5n, members: 0 }, 'idle', TUESDAY],
    ['back again', [reader({ state: 'gone' })], { committed: 10n, lag: 5n, members: 0 }, 'idle', TUESDAY],
  ] as const)('%s', (_what, before, group, state, lastSeenAt) => {
    const [seen] = afterLook(before, [{ groupId: 'a', ...group }], TUESDAY);
    expect(seen).toEqual({ groupId: 'a', ...group, state, lastSeenAt, firstSeenAt: before[0]?.firstSeenAt ?? TUESDAY });
  });

  it('what Kafka has forgotten is kept', () => {
    expect(afterLook([reader({ members: 2 })], [], TUESDAY)).toEqual([reader({ state: 'gone', members: 0 })]);
  });
});
