import { follow, type Description, type Schema } from './apidocs';

/** A value that a schema allows, made of its defaults, choices and limits; what refers to itself is entered once. */
export function example(description: Description, schema: Schema, within: string[] = []): unknown {
  const { schema: real, names } = follow(description, schema);
  if (names.some((name) => within.includes(name))) return null;
  const deeper = [...within, ...names];
  if (real.const !== undefined) return real.const;
  if (real.default !== undefined && real.default !== null) return real.default;
  if (real.enum?.length) return real.enum[0];
  const choice = real.anyOf ?? real.oneOf;
  if (choice?.length) return example(description, choice[0]!, deeper);
  if (real.properties) return Object.fromEntries(Object.entries(real.properties).map(([name, of]) => [name, example(description, of, deeper)]));
  const type = [real.type ?? []].flat().find((word) => word !== 'null');
  switch (type) {
    case 'array': {
      const one = real.items ? example(description, real.items, deeper) : null;
      return one === null ? [] : [one];
    }
    case 'object':
      return typeof real.additionalProperties === 'object' ? { name: example(description, real.additionalProperties, deeper) } : {};
    case 'string':
      return real.format === 'date-time' ? '2026-01-31T09:00:00+09:00' : 'text'.slice(0, real.maxLength ?? 4);
    case 'integer':
    case 'number':
      return Math.max(real.minimum ?? 0, Math.min(1, real.maximum ?? 1));
    case 'boolean':
      return false;
    default:
      return null;
  }
}

/** The command that asks a route from a shell. */
export function command(description: Description, origin: string, entry: { verb: string; path: string; who: string }, form: string | undefined, schema: Schema | undefined): string {
  const words = ['curl'];
  if (entry.verb !== 'get') words.push('-X', entry.verb.toUpperCase());
  if (!['anybody', 'market'].includes(entry.who)) words.push('-H', `'X-API-Key: …'`);
  words.push(`'${origin}${entry.path}'`);
  if (!form || !schema) return words.join(' ');
  words.push('\\\n  -H', `'Content-Type: ${form}'`);
  if (form === 'application/json') words.push('\\\n  -d', `'${JSON.stringify(example(description, schema), null, 2).replaceAll("'", "'\\''")}'`);
  else words.push('\\\n  --data-binary', '@FILE');
  return words.join(' ');
}
