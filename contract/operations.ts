/**
 * Does a REST API still keep what an older OpenAPI document of it has promised? Callers ask and read by the older one:
 * every request of then must be taken, and every answer of now be understood.
 *
 * Always true:
 * 1. What may come without breaking anybody: an operation, a member of an answer, a header of it, a member of a request
 *    or a parameter that may be left out, a problem. Callers take a code that they do not know by its status.
 * 2. A new answer that is no problem breaks: callers wait for those that they know.
 * 3. An operation goes only after the day that was published as its sunset.
 */
import { type Difference, type Schema, differences } from './compatibility.ts';
import { KEEP, TAKE, inWords } from './words.ts';

interface Reference {
  $ref?: string;
}
interface Header {
  required?: boolean;
  schema?: Schema;
}
interface Parameter extends Header {
  name: string;
  in: string;
}
type Content = Readonly<Record<string, { schema?: Schema }>>;
interface Answer {
  headers?: Readonly<Record<string, Header | Reference>>;
  content?: Content;
}
interface RequestBody {
  required?: boolean;
  content?: Content;
}
/** Each of them opens the operation; of one, every scheme is needed. */
type Security = readonly Readonly<Record<string, readonly string[]>>[];

interface Operation {
  operationId?: string;
  parameters?: readonly (Parameter | Reference)[];
  requestBody?: RequestBody | Reference;
  responses?: Readonly<Record<string, Answer | Reference>>;
  security?: Security;
  deprecated?: boolean;
  /** The last day on which it is answered. */
  'x-sunset'?: string;
}

/** An OpenAPI 3.1 document, as far as it is compared. */
export interface ApiDocument {
  paths?: Readonly<Record<string, unknown>>;
  components?: Readonly<Record<string, unknown>>;
  security?: Security;
}

/** Operations whose end was published, each with its last day: `POST /v1/invoices` -> `2027-05-31`. */
export type Sunsets = Readonly<Record<string, string>>;

interface Compared {
  now: ApiDocument;
  before: ApiDocument;
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace']);
const PROBLEM = 'application/problem+json';

/**
 * What breaks callers who were built on the document `before`, a sentence each. `today` is a day, `sunsets` what was
 * published of ends before today.
 */
export function brokenPromises(
  now: ApiDocument,
  before: ApiDocument,
  { sunsets, today }: { sunsets: Sunsets; today: string },
): string[] {
  const [own, theirs] = [operationsIn(now), operationsIn(before)];
  return [...theirs].flatMap(([what, promised]) => {
    const operation = own.get(what);
    if (!operation) return endOf(sunsets[what], today).map((end) => `${what}: ${end}`);
    return compareOperations(operation, promised, { now, before }).map((found) => `${what}: ${found}`);
  });
}

/** What was published of ends, with those of this document. One that comes earlier than was published stays later. */
export function sunsetsAfter(now: ApiDocument, published: Sunsets): Record<string, string> {
  const operations = operationsIn(now);
  const gone = Object.entries(published).filter(([what]) => !operations.has(what));
  const ending = [...operations].flatMap(([what, { deprecated, 'x-sunset': day }]) =>
    deprecated && day !== undefined ? [[what, [day, published[what] ?? day].toSorted().at(-1) ?? day] as const] : [],
  );
  return Object.fromEntries([...gone, ...ending].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Ends that come earlier than was published, a sentence each. */
export const hastened = (now: ApiDocument, published: Sunsets): string[] =>
  [...operationsIn(now)].flatMap(([what, { 'x-sunset': day = '' }]) => {
    const promised = published[what];
    if (promised === undefined || day === '' || day >= promised) return [];
    return [
      `${what}: its end was to be ${promised} and is ${day} now; callers have planned by it. Name no earlier day.`,
    ];
  });

function endOf(sunset: string | undefined, today: string): string[] {
  if (sunset === undefined) return [`disappeared; callers use it. Keep it, and publish its end first (deprecated).`];
  return sunset < today ? [] : [`disappeared before its end on ${sunset}; callers use it. Keep it until then.`];
}

function operationsIn({ paths = {} }: ApiDocument): Map<string, Operation> {
  return new Map(
    Object.entries(paths).flatMap(([path, item]) => {
      const { parameters: shared = [], ...members } = item as { parameters?: readonly Parameter[] };
      const methods = Object.entries(members as Record<string, Operation>).filter(([name]) => METHODS.has(name));
      return methods.map(([method, operation]) => {
        const parameters = [...shared, ...(operation.parameters ?? [])];
        return [`${method.toUpperCase()} ${path}`, { ...operation, parameters }] as const;
      });
    }),
  );
}

function compareOperations(own: Operation, theirs: Operation, documents: Compared): string[] {
  return [
    ...(own.operationId === theirs.operationId
      ? []
      : [
          `its operationId is no more \`${theirs.operationId}\`; clients that are made of the document call it so. Keep it.`,
        ]),
    ...compareSecurity(own.security ?? documents.now.security, theirs.security ?? documents.before.security),
    ...compareParameters(own, theirs, documents),
    ...compareBodies(own.requestBody, theirs.requestBody, documents),
    ...compareAnswers(own.responses ?? {}, theirs.responses ?? {}, documents),
  ];
}

/** What a reference names among the components, or the thing itself. */
function resolved<T extends object>(document: ApiDocument, thing: T | Reference): T {
  const { $ref: reference } = thing as Reference;
  if (reference === undefined) return thing as T;
  const [, kind = '', name = ''] = /^#\/components\/(\w+)\/([^/]+)$/.exec(reference) ?? [];
  const found = (document.components?.[kind] as Record<string, T | Reference> | undefined)?.[name];
  if (found === undefined) throw new TypeError(`${reference} names nothing in the document.`);
  return resolved(document, found);
}

/** Whoever was let in is let in. */
function compareSecurity(own: Security = [], theirs: Security = []): string[] {
  if (own.length === 0 || own.some((way) => Object.keys(way).length === 0)) return [];
  const before = theirs.length === 0 ? [{}] : theirs;
  return before.flatMap((has) => {
    const lacking = own.map((way) => lackingIn(way, has));
    const [least = []] = lacking.toSorted((one, other) => one.length - other.length);
    if (least.length === 0) return [];
    return [`needs ${least.join(' and ')} now; callers do not have that. Ask for no more than before.`];
  });
}

const lackingIn = (needs: Security[number], has: Security[number]): string[] =>
  Object.entries(needs).flatMap(([scheme, scopes]) => {
    const own = has[scheme];
    if (!own) return [`\`${scheme}\``];
    return scopes.filter((scope) => !own.includes(scope)).map((scope) => `the scope \`${scope}\``);
  });

/** Header names have no case. */
const keyOf = ({ name, in: place }: Parameter): string => `${place} ${place === 'header' ? name.toLowerCase() : name}`;
const named = ({ in: place, name }: Parameter): string => `${place} parameter \`${name}\``;

function compareParameters(own: Operation, theirs: Operation, documents: Compared): string[] {
  const listed = (document: ApiDocument, { parameters = [] }: Operation) =>
    new Map(parameters.map((one) => resolved<Parameter>(document, one)).map((one) => [keyOf(one), one]));
  const [taken, sent] = [listed(documents.now, own), listed(documents.before, theirs)];
  const added = [...taken]
    .filter(([key, { required }]) => required && !sent.has(key))
    .map(([, one]) => `${named(one)} is required now; callers do not send it. Do without it, or publish it under /v2.`);
  return [...added, ...[...sent].flatMap(([key, one]) => compareParameter(taken.get(key), one, documents))];
}

function compareParameter(own: Parameter | undefined, theirs: Parameter, documents: Compared): string[] {
  const what = named(theirs);
  if (!own) return [`${what} disappeared; callers send it. ${TAKE}`];
  return [
    ...(own.required && !theirs.required ? [`${what} became required; callers may leave it out. ${TAKE}`] : []),
    ...(defaultOf(own) === defaultOf(theirs)
      ? []
      : [`${what} is ${defaultOf(own)} where callers leave it out, and was ${defaultOf(theirs)}. Keep it.`]),
    ...(spelling(own) === spelling(theirs) ? [] : [`${what} is spelt in another way now. ${TAKE}`]),
    ...inRequest(what, own.schema ?? true, theirs.schema ?? true, documents),
  ];
}

const defaultOf = ({ schema }: Parameter): string =>
  JSON.stringify(typeof schema === 'object' ? (schema['default'] ?? null) : null);

/** How the value of a parameter is written in a request. */
const spelling = (parameter: object): string =>
  JSON.stringify(['style', 'explode', 'allowReserved', 'content'].map((name) => (parameter as never)[name] ?? null));

const inRequest = (where: string, own: Schema, theirs: Schema, { now, before }: Compared): string[] =>
  differences(theirs, own, { roots: { writer: before as Schema, reader: now as Schema }, keeps: 'writer' }).map(
    (found) => inWords(where, 'asked', found),
  );

const inAnswer = (where: string, own: Schema, theirs: Schema, { now, before }: Compared): string[] =>
  differences(own, theirs, { roots: { writer: now as Schema, reader: before as Schema }, keeps: 'reader' }).map(
    (found: Difference) => inWords(where, 'answered', found),
  );

function compareBodies(own: Operation['requestBody'], theirs: Operation['requestBody'], documents: Compared): string[] {
  const body = own && resolved<RequestBody>(documents.now, own);
  const sent = theirs && resolved<RequestBody>(documents.before, theirs);
  if (!sent) return body?.required ? [`body: it is required now; callers do not send it. ${TAKE}`] : [];
  if (!body) return [`body: it disappeared; callers send it. ${TAKE}`];
  return [
    ...(body.required && !sent.required ? [`body: it became required; callers may leave it out. ${TAKE}`] : []),
    ...Object.entries(sent.content ?? {}).flatMap(([type, { schema = true }]) => {
      const taken = body.content?.[type];
      if (!taken) return [`body: ${type} is not taken any more; callers send it. ${TAKE}`];
      return inRequest('body', taken.schema ?? true, schema, documents);
    }),
  ];
}

function compareAnswers(
  own: NonNullable<Operation['responses']>,
  theirs: NonNullable<Operation['responses']>,
  documents: Compared,
): string[] {
  const added = Object.keys(own).filter((status) => !(status in theirs) && !isProblem(status));
  return [
    ...added.map((status) => `answer ${status}: it is new; callers do not know it. Publish it under /v2.`),
    ...Object.entries(theirs).flatMap(([status, promised]) => {
      const answer = own[status];
      if (!answer) return [`answer ${status}: it disappeared; callers wait for it. ${KEEP}`];
      return compareAnswer(`answer ${status}`, answer, promised, documents);
    }),
  ];
}

const isProblem = (status: string): boolean => /^[45]/.test(status);

function compareAnswer(where: string, own: Answer | Reference, theirs: Answer | Reference, documents: Compared) {
  const answer = resolved<Answer>(documents.now, own);
  const promised = resolved<Answer>(documents.before, theirs);
  return [
    ...compareHeaders(where, answer.headers, promised.headers, documents),
    ...Object.entries(promised.content ?? {}).flatMap(([type, { schema = true }]) => {
      const content = answer.content?.[type];
      if (!content) return [`${where}: ${type} disappeared; callers read it. ${KEEP}`];
      const compare = type === PROBLEM ? compareProblems : inAnswer;
      return compare(where, content.schema ?? true, schema, documents);
    }),
  ];
}

function compareHeaders(
  where: string,
  own: Answer['headers'] = {},
  theirs: Answer['headers'] = {},
  documents: Compared,
): string[] {
  const sent = new Map(Object.entries(own).map(([name, header]) => [name.toLowerCase(), header]));
  return Object.entries(theirs).flatMap(([name, promised]) => {
    const [what, header] = [`${where}: header \`${name}\``, sent.get(name.toLowerCase())];
    return header
      ? compareHeader(what, resolved(documents.now, header), resolved(documents.before, promised), documents)
      : [`${what} disappeared; callers read it. ${KEEP}`];
  });
}

const compareHeader = (what: string, own: Header, theirs: Header, documents: Compared): string[] => [
  ...(theirs.required && !own.required ? [`${what} became optional; callers count on it. ${KEEP}`] : []),
  ...inAnswer(what, own.schema ?? true, theirs.schema ?? true, documents),
];

/** By their codes: callers decide by these. */
function compareProblems(where: string, own: Schema, theirs: Schema, documents: Compared): string[] {
  const [told, known] = [problemsIn(own, documents.now), problemsIn(theirs, documents.before)];
  if (!told || !known) return inAnswer(where, own, theirs, documents);
  return [...known].flatMap(([code, schema]) => {
    const problem = told.get(code);
    if (problem === undefined) return [`${where}: problem \`${code}\` disappeared; callers decide by it. ${KEEP}`];
    return inAnswer(`${where}: problem \`${code}\``, problem, schema, documents);
  });
}

/** The schemas of problems by their codes; undefined where one names no code. */
function problemsIn(schema: Schema, document: ApiDocument): Map<string, Schema> | undefined {
  const whole = typeof schema === 'boolean' ? {} : resolved(document, schema);
  const each = ((whole as { oneOf?: readonly Schema[] }).oneOf ?? [whole]) as readonly object[];
  const problems = each.map((one) => resolved(document, one) as { properties?: { code?: { const?: unknown } } });
  const byCode = problems.map((one) => [one.properties?.code?.const, one as Schema] as const);
  return byCode.every((entry): entry is [string, Schema] => typeof entry[0] === 'string') ? new Map(byCode) : undefined;
}
