/**
 * Does every value that one schema lets through pass another one? That is what a change of the contract comes to: what
 * is written today must be understood by who reads by an older schema, and what older senders write must be taken.
 *
 * Always true:
 * 1. A writer sends only the members that its schema names. A reader passes over members that it does not know, unless
 *    its schema closes the object.
 * 2. A keyword that is not known here is never passed over: it is told as a difference.
 * 3. When nothing is told, every value of the writer passes the reader. Where unions overlap something may be told that
 *    does no harm, never the other way round.
 */

/** JSON Schema 2020-12, of the few keywords that are published. */
export type Schema = boolean | SchemaObject;
export interface SchemaObject {
  readonly [keyword: string]: unknown;
}

export type DifferenceKind =
  /** The reader requires it, the writer does not have it. */
  | 'missing'
  /** The reader requires it, the writer may leave it out. */
  | 'optional'
  /** The reader closes the object, and does not know it. */
  | 'unknown'
  /** It may be of a type that the reader does not take; `detail` is the type. */
  | 'type'
  /** It may have a value that the reader does not know; `detail` are the values. */
  | 'value'
  /** A value that the reader waits for is written no more; `detail` are the values. */
  | 'lost'
  /** It may lie outside of what the reader takes; `detail` is the keyword and its value. */
  | 'range'
  /** It cannot be compared; `detail` are the keywords. */
  | 'keyword';

/** What a value of the writer may be that the reader refuses. */
export interface Difference {
  /** `payment.method`; `[]` for the items of a list, `*` for members of any name; empty for the whole. */
  at: string;
  kind: DifferenceKind;
  detail: string;
}

const annotations = new Set(
  '$schema $id $defs $comment id title description examples example default deprecated readOnly writeOnly'.split(' '),
);
const constraints = `$ref type enum const anyOf properties required additionalProperties items minItems maxItems
  minProperties maxProperties uniqueItems minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format
  contentEncoding propertyNames`;
const known = new Set([...annotations, ...constraints.split(/\s+/)]);

const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string'];

/** A schema, and the document that its references are to. */
interface Side<S = Schema> {
  schema: S;
  root: Schema;
}

export interface Comparing {
  /** What references are to; absent: the schemas themselves. */
  roots?: { writer: Schema; reader: Schema };
  /**
   * Whose members the other must name, even one that may be left out: the reader's, to tell one that is not written any
   * more, or the writer's, to tell one that is passed over now. Absent: nobody's.
   */
  keeps?: 'writer' | 'reader';
}

/** What is being compared: where, and which pairs further up (a schema may name itself). */
interface Place {
  at: string;
  open: ReadonlyMap<unknown, ReadonlySet<unknown>>;
  keeps: Comparing['keeps'];
}

/** Everything that a value of `writer` may be and `reader` refuses; nothing when all of them pass. */
export const differences = (writer: Schema, reader: Schema, { roots, keeps }: Comparing = {}): Difference[] =>
  distinct(
    compare(
      { schema: writer, root: roots?.writer ?? writer },
      { schema: reader, root: roots?.reader ?? reader },
      { at: '', open: new Map(), keeps },
    ),
  );

const distinct = (all: readonly Difference[]): Difference[] => [
  ...new Map(all.map((one) => [`${one.at} ${one.kind} ${one.detail}`, one])).values(),
];

function compare(writer: Side, reader: Side, place: Place): Difference[] {
  const [from, to] = [resolved(writer), resolved(reader)];
  if (to === true || from === false) return [];
  const [writes, reads] = [from === true ? {} : from, to === false ? { anyOf: [] } : to];
  const strange = [...Object.keys(writes), ...Object.keys(reads)].filter((keyword) => !known.has(keyword));
  if (strange.length > 0) return [told(place, 'keyword', strange.join(', '))];
  if (place.open.get(writes)?.has(reads)) return [];
  const open = new Map(place.open).set(writes, new Set([...(place.open.get(writes) ?? []), reads]));
  return branchesOf(writes).flatMap((branch) =>
    compareBranch({ ...writer, schema: branch }, { ...reader, schema: reads }, { ...place, open }),
  );
}

const told = ({ at }: Place, kind: DifferenceKind, detail = ''): Difference => ({ at, kind, detail });
const below = (place: Place, member: string): Place => ({
  ...place,
  at: member === '[]' || place.at === '' ? `${place.at}${member}` : `${place.at}.${member}`,
});

/** What a reference names; a schema beside it counts too. */
function resolved({ schema, root }: Side): Schema {
  if (typeof schema === 'boolean' || typeof schema['$ref'] !== 'string') return schema;
  const { $ref: reference, ...beside } = schema as SchemaObject & { $ref: string };
  let found: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/').filter(Boolean))
    found = (found as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  if (found === undefined) return { [`$ref ${reference}`]: true };
  const target = resolved({ schema: found as Schema, root });
  if (Object.keys(beside).every((keyword) => annotations.has(keyword))) return target;
  return target === true ? beside : target === false ? false : { ...target, ...beside };
}

/** Schemas of one type each, together as wide as this one. */
function branchesOf(schema: SchemaObject): SchemaObject[] {
  const { anyOf, ...beside } = schema;
  if (Array.isArray(anyOf))
    return (anyOf as Schema[]).flatMap((branch) => {
      if (branch === false) return [];
      const whole = branch === true ? beside : { ...beside, ...branch };
      return '$ref' in whole ? [whole] : branchesOf(whole);
    });
  const narrowed = (more: SchemaObject): SchemaObject => ({ ...schema, ...more });
  const values = valuesOf(schema);
  if (values) return values.map((value) => narrowed({ type: typeOf(value), const: value, enum: [value] }));
  const types = typesOf(schema);
  return types.length === 1 && schema['type'] === types[0] ? [schema] : types.map((type) => narrowed({ type }));
}

const valuesOf = (schema: SchemaObject): unknown[] | undefined =>
  'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined);
const typesOf = ({ type = TYPES }: SchemaObject): string[] => [type].flat() as string[];

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** `writer` is of one type, or a reference to what may be more. */
function compareBranch(writer: Side<SchemaObject>, reader: Side<SchemaObject>, place: Place): Difference[] {
  if ('$ref' in writer.schema) return compare(writer, reader, place);
  const { anyOf, ...beside } = reader.schema;
  if (!Array.isArray(anyOf)) return compareOne(writer, reader, place);
  const tries = (anyOf as Schema[]).map((branch) => compare(writer, { ...reader, schema: branch }, place));
  const own = compareOne(writer, { ...reader, schema: beside }, { ...place, keeps: undefined });
  if (tries.some((found) => found.length === 0)) return own;
  // The branch that is meant is the one that takes its type, and most of it.
  const [nearest] = tries.toSorted((one, other) => weight(one) - weight(other));
  return [...own, ...(nearest ?? [told(place, 'type', typesOf(writer.schema).join(' or '))])];
}

const weight = (found: readonly Difference[]): number =>
  found.reduce((sum, { kind }) => sum + (kind === 'type' ? 1_000 : 1), 0);

/** `writer` is of one type; `reader` has no union. */
function compareOne(writer: Side<SchemaObject>, reader: Side<SchemaObject>, place: Place): Difference[] {
  const [type = ''] = typesOf(writer.schema);
  const taken = typesOf(reader.schema);
  if (!taken.includes(type) && !(type === 'integer' && taken.includes('number'))) return [told(place, 'type', type)];
  return [
    ...compareValues(writer.schema, reader.schema, place),
    ...lostValues(writer.schema, reader.schema, place),
    ...(byType[type]?.(writer, reader, place) ?? []),
  ];
}

/** Stands in the description of a text whose values are published as examples, since more may come. */
export const MORE_MAY_COME = 'More values may come: take one that you do not know for another one';

/** Of values that may become more: those that are sent no more, whoever waits for them. */
function lostValues(writer: SchemaObject, reader: SchemaObject, place: Place): Difference[] {
  const { description } = reader;
  const mayGrow = typeof description === 'string' && description.endsWith(MORE_MAY_COME);
  const [sent, awaited] = [writer['examples'], reader['examples']];
  if (!mayGrow || !Array.isArray(awaited) || !Array.isArray(sent)) return [];
  const lost = awaited.filter((value) => !sent.includes(value)).map((value) => JSON.stringify(value));
  return lost.length === 0 ? [] : [told(place, 'lost', lost.join(', '))];
}

function compareValues(writer: SchemaObject, reader: SchemaObject, place: Place): Difference[] {
  const [sent, taken] = [valuesOf(writer), valuesOf(reader)?.map((value) => JSON.stringify(value))];
  if (!taken) return [];
  if (!sent) return [told(place, 'value', `other than ${taken.join(', ')}`)];
  const strange = sent.map((value) => JSON.stringify(value)).filter((value) => !taken.includes(value));
  return strange.length > 0 ? [told(place, 'value', strange.join(', '))] : [];
}

type Comparison = (writer: Side<SchemaObject>, reader: Side<SchemaObject>, place: Place) => Difference[];

const compareNumbers: Comparison = ({ schema: writer }, { schema: reader }, place) => {
  const exact = writer['const'];
  const [low, high] = [
    Math.max(numberIn(writer, 'minimum', -Infinity), numberIn(writer, 'exclusiveMinimum', -Infinity)),
    Math.min(numberIn(writer, 'maximum', Infinity), numberIn(writer, 'exclusiveMaximum', Infinity)),
  ];
  const [least, most] = typeof exact === 'number' ? [exact, exact] : [low, high];
  const [isOpenBelow, isOpenAbove] = [writer['exclusiveMinimum'] === low, writer['exclusiveMaximum'] === high];
  const step = reader['multipleOf'];
  const ownStep = writer['multipleOf'] ?? (writer['type'] === 'integer' ? 1 : undefined);
  const isInSteps =
    typeof step !== 'number' || (typeof exact === 'number' ? Number.isInteger(exact / step) : step === ownStep);
  return [
    ...beyond(place, reader, 'minimum', (limit) => least < limit),
    ...beyond(place, reader, 'exclusiveMinimum', (limit) => least < limit || (least === limit && !isOpenBelow)),
    ...beyond(place, reader, 'maximum', (limit) => most > limit),
    ...beyond(place, reader, 'exclusiveMaximum', (limit) => most > limit || (most === limit && !isOpenAbove)),
    ...(isInSteps ? [] : [limited(place, reader, 'multipleOf')]),
  ];
};

const limited = (place: Place, reader: SchemaObject, keyword: string): Difference =>
  told(place, 'range', `${keyword} ${JSON.stringify(reader[keyword])}`);

const numberIn = (schema: SchemaObject, keyword: string, otherwise: number): number =>
  typeof schema[keyword] === 'number' ? schema[keyword] : otherwise;

const beyond = (
  place: Place,
  reader: SchemaObject,
  keyword: string,
  isBeyond: (limit: number) => boolean,
): Difference[] => {
  const limit = reader[keyword];
  return typeof limit === 'number' && isBeyond(limit) ? [limited(place, reader, keyword)] : [];
};

/** Of a writer that names its value, the value itself is looked at. */
const compareStrings: Comparison = ({ schema: writer }, { schema: reader }, place) => {
  const exact = writer['const'];
  // In characters, as JSON Schema counts them.
  const length = typeof exact === 'string' ? Array.from(exact).length : undefined;
  const { pattern, format, contentEncoding } = reader;
  const isMatched = typeof exact === 'string' && typeof pattern === 'string' && new RegExp(pattern, 'u').test(exact);
  return [
    ...beyond(place, reader, 'minLength', (limit) => (length ?? numberIn(writer, 'minLength', 0)) < limit),
    ...beyond(place, reader, 'maxLength', (limit) => (length ?? numberIn(writer, 'maxLength', Infinity)) > limit),
    ...(pattern === undefined || pattern === writer['pattern'] || isMatched ? [] : [limited(place, reader, 'pattern')]),
    ...(format === undefined || format === writer['format'] ? [] : [limited(place, reader, 'format')]),
    ...(contentEncoding === undefined || contentEncoding === writer['contentEncoding']
      ? []
      : [limited(place, reader, 'contentEncoding')]),
  ];
};

const compareLists: Comparison = (writer, reader, place) => [
  ...beyond(place, reader.schema, 'minItems', (limit) => numberIn(writer.schema, 'minItems', 0) < limit),
  ...beyond(place, reader.schema, 'maxItems', (limit) => numberIn(writer.schema, 'maxItems', Infinity) > limit),
  ...(reader.schema['uniqueItems'] === true && writer.schema['uniqueItems'] !== true
    ? [told(place, 'range', 'uniqueItems')]
    : []),
  ...(writer.schema['maxItems'] === 0
    ? []
    : compare(
        { ...writer, schema: (writer.schema['items'] ?? true) as Schema },
        { ...reader, schema: (reader.schema['items'] ?? true) as Schema },
        below(place, '[]'),
      )),
];

const membersOf = ({ properties = {} }: SchemaObject) => properties as Readonly<Record<string, Schema>>;
const requiredOf = ({ required = [] }: SchemaObject) => required as readonly string[];

const compareCounts: Comparison = ({ schema: writer }, { schema: reader }, place) => [
  ...beyond(
    place,
    reader,
    'minProperties',
    (limit) => Math.max(numberIn(writer, 'minProperties', 0), requiredOf(writer).length) < limit,
  ),
  ...beyond(place, reader, 'maxProperties', (limit) => numberIn(writer, 'maxProperties', Infinity) > limit),
];

const compareObjects: Comparison = (writer, reader, place) => {
  const [own, theirs] = [membersOf(writer.schema), membersOf(reader.schema)];
  const [ownOthers, theirOthers = true] = [
    writer.schema['additionalProperties'],
    reader.schema['additionalProperties'],
  ];
  const named = (name: string, from: Schema, to: Schema) =>
    compare({ ...writer, schema: from }, { ...reader, schema: to }, below(place, name));
  const required = requiredOf(reader.schema).flatMap((name) => {
    if (requiredOf(writer.schema).includes(name)) return [];
    return [told(below(place, name), Object.hasOwn(own, name) ? 'optional' : 'missing')];
  });
  const isListed = ownOthers === undefined || ownOthers === false;
  const lost = Object.keys(place.keeps === 'reader' && isListed ? theirs : {}).flatMap((name) =>
    Object.hasOwn(own, name) ? [] : [told(below(place, name), 'missing')],
  );
  const isClosed = theirOthers === false || (place.keeps === 'writer' && !('additionalProperties' in reader.schema));
  const members = Object.entries(own).flatMap(([name, schema]) => {
    const to = Object.hasOwn(theirs, name) ? theirs[name] : (theirOthers as Schema);
    if (isClosed && !Object.hasOwn(theirs, name)) return [told(below(place, name), 'unknown')];
    return named(name, schema, to ?? true);
  });
  // A map: members of names that nobody has listed.
  const others = isListed
    ? []
    : [
        ...(theirOthers === false
          ? [told(below(place, '*'), 'unknown')]
          : named('*', ownOthers as Schema, theirOthers as Schema)),
        ...Object.entries(theirs).flatMap(([name, to]) =>
          Object.hasOwn(own, name) ? [] : named(name, ownOthers as Schema, to),
        ),
      ];
  const names = reader.schema['propertyNames'];
  const isNamed = names === undefined || JSON.stringify(names) === JSON.stringify(writer.schema['propertyNames']);
  return [
    ...required,
    ...lost,
    ...members,
    ...others,
    ...compareCounts(writer, reader, place),
    ...(isNamed ? [] : [told(place, 'range', 'propertyNames')]),
  ];
};

const byType: Readonly<Record<string, Comparison>> = {
  integer: compareNumbers,
  number: compareNumbers,
  string: compareStrings,
  array: compareLists,
  object: compareObjects,
};
