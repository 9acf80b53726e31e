/**
 * A published schema as a reader of old events must take it. A member that was added later is published as required,
 * and events that were recorded before lack it: required is what the first schema of the version, the baseline,
 * requires at the same place. What the baseline does not know is optional.
 */
export function readerSchema(schema, baseline) {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map((item, index) => readerSchema(item, baseline?.[index]));
  const entries = Object.entries(schema).map(([name, value]) => [
    name,
    name === 'required' && Array.isArray(value)
      ? value.filter((member) => baseline?.required?.includes?.(member))
      : readerSchema(value, baseline?.[name]),
  ]);
  return Object.fromEntries(entries);
}
