/** The checker of the REST contract: what breaks callers of an older document, what does not, and when a route may go. */
import { MORE_MAY_COME } from '../../contract/compatibility.ts';
import { describe, expect, it } from 'vitest';
import { type ApiDocument, type Sunsets, brokenPromises, hastened, sunsetsAfter } from '../../contract/operations.ts';

const text = { type: 'string' };
const count = { type: 'integer' };
const nothing = { type: 'null' };
const schemaOf = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string) => ({ content: { 'application/json': { schema: schemaOf(name) } } });
const problem = (status: number, code: string, more: object = {}) => ({
  type: 'object',
  properties: { status: { const: status }, code: { type: 'string', const: code }, ...more },
  required: ['status', 'code', ...Object.keys(more)],
});
const problems = (...names: string[]) => ({
  content: { 'application/problem+json': { schema: { oneOf: names.map(schemaOf), discriminator: {} } } },
});
const optionally = (name: string, schema: object, place = 'query') => ({ name, in: place, required: false, schema });

/** Of then. What is changed is named by its path, with bars. */
const before = {
  openapi: '3.1.0',
  paths: {
    '/v1/things': {
      get: {
        operationId: 'listThings',
        security: [{ bearer: ['things:read'] }],
        parameters: [
          optionally('limit', { ...count, maximum: 200, default: 50 }),
          { $ref: '#/components/parameters/Trace' },
        ],
        responses: { 200: json('ThingList'), 400: { $ref: '#/components/responses/BadRequest' } },
      },
      post: {
        security: [{ bearer: ['things:write'] }],
        parameters: [optionally('If-Match', text, 'header')],
        requestBody: { required: true, ...json('NewThing') },
        responses: {
          201: { headers: { ETag: { $ref: '#/components/headers/ETag' }, Age: { schema: count } }, ...json('Thing') },
          400: { $ref: '#/components/responses/BadRequest' },
          409: problems('Taken'),
        },
      },
    },
    '/v1/things/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: text }],
      delete: { security: [{ bearer: ['things:write'] }], responses: { 204: {} } },
      put: { requestBody: { required: false, ...json('NewThing') }, responses: { 200: json('Thing'), 202: {} } },
    },
    '/health': { get: { responses: { 200: {} } } },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        properties: {
          id: { ...text, format: 'uuid' },
          name: { type: ['string', 'null'] },
          note: text,
          scale: { ...text, examples: ['big', 'small'], description: `How big. ${MORE_MAY_COME}` },
          owner: schemaOf('Owner'),
        },
        required: ['id', 'name', 'owner'],
      },
      ThingList: {
        type: 'object',
        properties: { items: { type: 'array', items: schemaOf('Thing') } },
        required: ['items'],
      },
      Owner: { type: 'object', properties: { name: text }, required: ['name'] },
      NewThing: {
        type: 'object',
        properties: {
          name: { ...text, maxLength: 100 },
          kind: { enum: ['big', 'small'] },
          amount: { type: ['string', 'number'] },
        },
        required: ['name'],
        additionalProperties: false,
      },
      Malformed: problem(400, 'malformed'),
      TooLong: problem(400, 'too_long', { limit: count }),
      Taken: problem(409, 'taken'),
    },
    responses: { BadRequest: problems('Malformed', 'TooLong') },
    headers: { ETag: { required: true, schema: text } },
    parameters: { Trace: optionally('trace', text, 'header') },
  },
};

type Change = Readonly<Record<string, unknown>>;

/** The document with other things at some places; undefined takes away. */
function changed(change: Change): ApiDocument {
  const document = structuredClone(before) as unknown as Record<string, unknown>;
  for (const [place, value] of Object.entries(change)) {
    const steps = place.split('|');
    const last = steps.pop() ?? '';
    let inside = document;
    for (const step of steps) inside = inside[step] as Record<string, unknown>;
    if (value === undefined) delete inside[last];
    else inside[last] = value;
  }
  return document;
}

const broken = (change: Change, sunsets: Sunsets = {}, today = '2026-11-30') =>
  brokenPromises(changed(change), before, { sunsets, today });

const POST = 'paths|/v1/things|post';
const LIST = 'paths|/v1/things|get';
const PUT = 'paths|/v1/things/{id}|put';
const SCHEMAS = 'components|schemas';
const bearer = (...scopes: string[]) => [{ bearer: scopes }];

const breaking: readonly (readonly [what: string, change: Change, told: string])[] = [
  ['an operation is gone', { [LIST]: undefined }, 'GET /v1/things: disappeared; callers use it'],
  ['a path is gone', { 'paths|/v1/things/{id}': undefined }, 'DELETE /v1/things/{id}: disappeared; callers use it'],
  ['another method', { [PUT]: undefined, 'paths|/v1/things/{id}|patch': {} }, 'PUT /v1/things/{id}: disappeared'],
  [
    'a value of an answer is gone',
    { [`${SCHEMAS}|Thing|properties|scale|examples`]: ['large', 'small'] },
    'POST /v1/things: answer 201: `scale` is never "big" any more; callers wait for it',
  ],
  ['another operationId', { [`${LIST}|operationId`]: 'readThings' }, 'its operationId is no more `listThings`'],
  [
    'another default',
    { [`${LIST}|parameters|0|schema|default`]: 1 },
    'query parameter `limit` is 1 where callers leave it out, and was 50. Keep it.',
  ],
  ['a status is gone', { [`${PUT}|responses|202`]: undefined }, 'PUT /v1/things/{id}: answer 202: it disappeared'],
  ['a new answer', { [`${POST}|responses|202`]: {} }, 'POST /v1/things: answer 202: it is new; callers do not know it'],
  [
    'a member of an answer is gone',
    { [`${SCHEMAS}|Thing|properties|name`]: undefined, [`${SCHEMAS}|Thing|required`]: ['id', 'owner'] },
    'POST /v1/things: answer 201: `name` disappeared; callers read it. Keep it, or publish it under /v2.',
  ],
  [
    'an optional member of an answer is gone',
    { [`${SCHEMAS}|Thing|properties|note`]: undefined },
    'POST /v1/things: answer 201: `note` disappeared; callers read it',
  ],
  [
    'a member of an answer became optional',
    { [`${SCHEMAS}|Thing|required`]: ['id', 'owner'] },
    'PUT /v1/things/{id}: answer 200: `name` became optional; callers count on it',
  ],
  [
    'a member within a list, two references away',
    { [`${SCHEMAS}|Owner|properties`]: { title: text } },
    'GET /v1/things: answer 200: `items[].owner.name` disappeared; callers read it',
  ],
  ['another type', { [`${SCHEMAS}|Owner|properties|name`]: count }, '`owner.name` may be integer now'],
  [
    'null in an answer',
    { [`${SCHEMAS}|Owner|properties|name`]: { anyOf: [text, nothing] } },
    '`owner.name` may be null now',
  ],
  [
    'a format is gone',
    { [`${SCHEMAS}|Thing|properties|id`]: text },
    '`id` goes beyond what callers take: format "uuid"',
  ],
  [
    'another media type',
    { [`${PUT}|responses|200`]: { content: { 'text/csv': {} } } },
    'answer 200: application/json disappeared',
  ],
  [
    'a header of an answer is gone',
    { [`${POST}|responses|201|headers|Age`]: undefined },
    'answer 201: header `Age` disappeared',
  ],
  [
    'a header became optional',
    { 'components|headers|ETag|required': false },
    'answer 201: header `ETag` became optional',
  ],
  ['a header of another type', { 'components|headers|ETag|schema': count }, 'header `ETag`: it may be integer now'],
  [
    'a problem code is gone',
    { 'components|responses|BadRequest': problems('Malformed') },
    'POST /v1/things: answer 400: problem `too_long` disappeared; callers decide by it',
  ],
  [
    'a problem has another status',
    { [`${POST}|responses|409`]: undefined, [`${POST}|responses|422`]: problems('Taken') },
    'answer 409: it disappeared',
  ],
  [
    'a problem lost a member',
    { [`${SCHEMAS}|TooLong`]: problem(400, 'too_long') },
    'problem `too_long`: `limit` disappeared',
  ],
  [
    'a parameter is gone',
    { [`${LIST}|parameters`]: [{ $ref: '#/components/parameters/Trace' }] },
    'query parameter `limit` disappeared; callers send it',
  ],
  [
    'a parameter became required',
    { [`${LIST}|parameters|0|required`]: true },
    'query parameter `limit` became required',
  ],
  [
    'a parameter takes less',
    { [`${LIST}|parameters|0|schema|maximum`]: 100 },
    'query parameter `limit`: it is taken within narrower bounds: maximum 100',
  ],
  [
    'a parameter is spelt in another way',
    { [`${LIST}|parameters|0|style`]: 'deepObject' },
    'query parameter `limit` is spelt in another way now',
  ],
  [
    'a new required header',
    { [`${POST}|parameters|1`]: { ...optionally('X-Reason', text, 'header'), required: true } },
    'POST /v1/things: header parameter `X-Reason` is required now',
  ],
  [
    'a shared parameter is required',
    { 'components|parameters|Trace|required': true },
    'header parameter `trace` became required',
  ],
  [
    'a member of a request is required now',
    { [`${SCHEMAS}|NewThing|required`]: ['name', 'kind'] },
    'body: `kind` became required; callers may leave it out',
  ],
  [
    'a new required member of a request',
    { [`${SCHEMAS}|NewThing|properties|reason`]: text, [`${SCHEMAS}|NewThing|required`]: ['name', 'reason'] },
    'body: `reason` is required now; callers do not send it',
  ],
  [
    'a member of a request is gone',
    { [`${SCHEMAS}|NewThing|properties|kind`]: undefined },
    'body: `kind` disappeared; callers send it',
  ],
  [
    'a member of a request is passed over',
    { [`${SCHEMAS}|NewThing|properties|kind`]: undefined, [`${SCHEMAS}|NewThing|additionalProperties`]: undefined },
    'body: `kind` disappeared; callers send it. Take both, or publish it under /v2.',
  ],
  [
    'a shorter text',
    { [`${SCHEMAS}|NewThing|properties|name|maxLength`]: 50 },
    'body: `name` is taken within narrower bounds: maxLength 50',
  ],
  [
    'a value is not taken',
    { [`${SCHEMAS}|NewThing|properties|kind`]: { enum: ['big'] } },
    'body: `kind` is not taken as "small" any more',
  ],
  [
    'a type is not taken',
    { [`${SCHEMAS}|NewThing|properties|amount`]: text },
    'body: `amount` is not taken as number any more',
  ],
  ['a body is required now', { [`${PUT}|requestBody|required`]: true }, 'body: it became required'],
  ['a body is gone', { [`${PUT}|requestBody`]: undefined }, 'body: it disappeared; callers send it'],
  [
    'a body where none was',
    { 'paths|/v1/things/{id}|delete|requestBody': { required: true, ...json('NewThing') } },
    'DELETE /v1/things/{id}: body: it is required now',
  ],
  [
    'a body of another media type',
    { [`${PUT}|requestBody|content`]: { 'text/csv': {} } },
    'body: application/json is not taken any more',
  ],
  [
    'another scope',
    { [`${LIST}|security`]: bearer('things:list') },
    'GET /v1/things: needs the scope `things:list` now; callers do not have that',
  ],
  [
    'one scope more',
    { [`${LIST}|security`]: bearer('things:read', 'things:list') },
    'needs the scope `things:list` now',
  ],
  ['one scheme more', { [`${LIST}|security`]: [{ bearer: ['things:read'], mtls: [] }] }, 'needs `mtls` now'],
  [
    'a caller must be known',
    { 'paths|/health|get|security': bearer() },
    'GET /health: needs `bearer` now; callers do not have that',
  ],
  ['callers must be known everywhere', { security: bearer() }, 'GET /health: needs `bearer` now'],
  ['a keyword that nobody compares', { [`${SCHEMAS}|Owner|not`]: {} }, '`owner` cannot be compared: not'],
];

const compatible: readonly (readonly [what: string, change: Change])[] = [
  ['a value more', { [`${SCHEMAS}|Thing|properties|scale|examples`]: ['big', 'small', 'tiny'] }],
  ['nothing', {}],
  ['a new operation', { 'paths|/v1/things/{id}|get': { responses: { 200: json('Thing') } } }],
  ['a new path', { 'paths|/v1/others': { get: { security: bearer('others:read'), responses: {} } } }],
  ['a new member of an answer', { [`${SCHEMAS}|Thing|properties|size`]: count }],
  [
    'a new member that is always there',
    { [`${SCHEMAS}|Owner`]: { type: 'object', properties: { name: text, size: count }, required: ['name', 'size'] } },
  ],
  ['an optional member is always there', { [`${SCHEMAS}|Thing|required`]: ['id', 'name', 'note', 'owner'] }],
  ['a member is never null any more', { [`${SCHEMAS}|Thing|properties|name`]: text }],
  ['a format where none was', { [`${SCHEMAS}|Owner|properties|name`]: { ...text, format: 'email' } }],
  [
    'the same elsewhere among the components',
    { [`${PUT}|responses|200`]: { $ref: '#/components/responses/One' }, 'components|responses|One': json('Thing') },
  ],
  [
    'the same under another name',
    { [`${SCHEMAS}|Item`]: before.components.schemas.Thing, [`${PUT}|responses|200`]: json('Item') },
  ],
  ['another media type beside', { [`${PUT}|responses|200|content|text/csv`]: { schema: text } }],
  ['a body where an answer had none', { 'paths|/health|get|responses|200': json('Owner') }],
  ['a new problem of a status', { 'components|responses|BadRequest': problems('TooLong', 'Taken', 'Malformed') }],
  ['a problem with a status of its own', { [`${LIST}|responses|410`]: problems('Taken') }],
  ['a problem has a member more', { [`${SCHEMAS}|Taken`]: problem(409, 'taken', { by: text }) }],
  ['a new header of an answer', { [`${PUT}|responses|200|headers`]: { ETag: { required: true, schema: text } } }],
  ['a header is always there', { [`${POST}|responses|201|headers|Age|required`]: true }],
  ['a header in other letters', { [`${POST}|parameters|0|name`]: 'if-match' }],
  ['a new optional parameter', { [`${LIST}|parameters|2`]: optionally('status', text) }],
  ['a parameter takes more', { [`${LIST}|parameters|0|schema|maximum`]: 500 }],
  ['a new optional member of a request', { [`${SCHEMAS}|NewThing|properties|reason`]: text }],
  ['a member of a request may be left out', { [`${SCHEMAS}|NewThing|required`]: [] }],
  ['a request takes one value more', { [`${SCHEMAS}|NewThing|properties|kind`]: { enum: ['big', 'small', 'odd'] } }],
  [
    'a request takes null',
    { [`${SCHEMAS}|NewThing|properties|name`]: { anyOf: [{ ...text, maxLength: 100 }, nothing] } },
  ],
  ['a longer text', { [`${SCHEMAS}|NewThing|properties|name|maxLength`]: 200 }],
  ['a body may be left out', { [`${POST}|requestBody|required`]: false }],
  ['an optional body where none was', { 'paths|/v1/things/{id}|delete|requestBody': { ...json('Owner') } }],
  ['another scope does too', { [`${LIST}|security`]: [{ bearer: ['things:list'] }, { bearer: ['things:read'] }] }],
  ['no scope is needed', { [`${LIST}|security`]: bearer() }],
  ['nobody must be known', { [`${LIST}|security`]: [] }],
  ['other words', { [`${POST}|summary`]: 'Make a thing', [`${SCHEMAS}|Thing|description`]: 'A thing' }],
  ['it is deprecated', { [`${LIST}|deprecated`]: true, [`${LIST}|x-sunset`]: '2027-05-31' }],
];

describe('API-01: what would break a caller of an older document is told', () => {
  it.each(breaking)('%s', (_what, change, told) => {
    expect(broken(change).join('\n')).toContain(told);
  });
});

describe('API-01: what breaks nobody is not told', () => {
  it.each(compatible)('%s', (_what, change) => {
    expect(broken(change)).toEqual([]);
  });
});

it('a reference to nothing is an error, not a document without faults', () => {
  expect(() => broken({ 'components|headers|ETag': undefined })).toThrow('#/components/headers/ETag');
});

describe('API-03: an operation goes only after the day that was published', () => {
  const gone = { [LIST]: undefined };
  const sunsets = { 'GET /v1/things': '2027-05-31' };
  it.each([
    [
      'unannounced',
      {},
      '2027-06-01',
      ['GET /v1/things: disappeared; callers use it. Keep it, and publish its end first (deprecated).'],
    ],
    [
      'the day before',
      sunsets,
      '2027-05-30',
      ['GET /v1/things: disappeared before its end on 2027-05-31; callers use it. Keep it until then.'],
    ],
    [
      'on the day itself',
      sunsets,
      '2027-05-31',
      ['GET /v1/things: disappeared before its end on 2027-05-31; callers use it. Keep it until then.'],
    ],
    ['after the day', sunsets, '2027-06-01', []],
  ])('%s', (_when, published, today, told) => {
    expect(broken(gone, published, today)).toEqual(told);
  });

  it('what was published stays when the operation has gone, and goes when it is kept after all', () => {
    const ending = (day: string) => changed({ [`${LIST}|deprecated`]: true, [`${LIST}|x-sunset`]: day });
    expect(sunsetsAfter(ending('2027-05-31'), {})).toEqual(sunsets);
    expect(sunsetsAfter(ending('2027-06-30'), sunsets)).toEqual({ 'GET /v1/things': '2027-06-30' });
    expect(sunsetsAfter(changed(gone), sunsets)).toEqual(sunsets);
    expect(sunsetsAfter(changed({}), sunsets)).toEqual({});
  });

  it('no day comes earlier than was published', () => {
    const ending = (day: string) => changed({ [`${LIST}|deprecated`]: true, [`${LIST}|x-sunset`]: day });
    expect(hastened(ending('2027-05-31'), sunsets)).toEqual([]);
    expect(hastened(ending('2027-05-30'), sunsets)).toEqual([
      'GET /v1/things: its end was to be 2027-05-31 and is 2027-05-30 now; callers have planned by it. Name no earlier day.',
    ]);
    expect(sunsetsAfter(ending('2027-05-30'), sunsets)).toEqual(sunsets);
  });
});
