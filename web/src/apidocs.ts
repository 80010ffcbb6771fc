/** The description of the API, unfolded for reading. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
}
interface Body {
  description?: string;
  content?: Record<string, { schema?: Schema }>;
  $ref?: string;
}
export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}
export interface Operation {
  summary?: string;
  tags?: string[];
  'x-who'?: string;
  parameters?: Parameter[];
  requestBody?: Body;
  responses: Record<string, Body>;
}
export interface Description {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Body> };
}

export interface Entry {
  id: string;
  verb: string;
  path: string;
  area: string;
  who: string;
  about: string;
  operation: Operation;
}

const VERBS = ['get', 'post', 'put', 'delete'];

/** Every route, by area and path. */
export function entries(description: Description): Entry[] {
  const all = Object.entries(description.paths).flatMap(([path, operations]) =>
    VERBS.filter((verb) => operations[verb]).map((verb) => {
      const operation = operations[verb]!;
      return { id: `${verb} ${path}`, verb, path, area: operation.tags?.[0] ?? '', who: operation['x-who'] ?? '', about: operation.summary ?? '', operation };
    }),
  );
  return all.sort((a, b) => a.area.localeCompare(b.area) || a.path.localeCompare(b.path) || VERBS.indexOf(a.verb) - VERBS.indexOf(b.verb));
}

/** Those that have all the words, in path, sentence, area or verb. */
export function matching(all: Entry[], words: string, who: string): Entry[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((entry) => (!who || entry.who === who) && wanted.every((word) => `${entry.id} ${entry.about} ${entry.area}`.toLowerCase().includes(word)));
}

function named(ref: string): [kind: string, name: string] {
  const parts = ref.split('/');
  return [parts[2] ?? '', parts[3] ?? ''];
}

/** An answer that may only be named. */
export function answer(description: Description, body: Body): Body {
  const [kind, name] = body.$ref ? named(body.$ref) : ['', ''];
  return kind === 'responses' ? (description.components.responses[name] ?? {}) : body;
}

/** The schema of a body, whichever form it comes in, and that form. */
export function content(body: Body | undefined): { form: string; schema: Schema } | null {
  const first = Object.entries(body?.content ?? {})[0];
  return first ? { form: first[0], schema: first[1].schema ?? {} } : null;
}

export interface Line {
  /** Where it stands: `data[].name`. */
  name: string;
  depth: number;
  type: string;
  required: boolean;
  about: string;
}

/** A schema as lines, fields under what holds them; what refers to itself is named and not entered again. */
export function lines(description: Description, schema: Schema): Line[] {
  const out: Line[] = [];
  const walk = (schema: Schema, name: string, depth: number, required: boolean, within: string[]) => {
    const { schema: real, names } = follow(description, schema);
    const again = names.some((n) => within.includes(n));
    const item = real.items ? follow(description, real.items) : null;
    if (name) out.push({ name, depth, type: typeOf(description, schema), required, about: schema.description ?? real.description ?? item?.schema.description ?? '' });
    if (again) return;
    const inner = item ? item.schema : real;
    const deeper = [...within, ...names, ...(item?.names ?? [])];
    if (item && item.names.some((n) => within.includes(n))) return;
    for (const [field, of] of Object.entries(inner.properties ?? {})) walk(of, field, name ? depth + 1 : depth, inner.required?.includes(field) ?? false, deeper);
  };
  walk(schema, '', 0, true, []);
  return out;
}

/** What a schema refers to; of a choice with nothing, the other part. */
export function follow(description: Description, schema: Schema): { schema: Schema; names: string[] } {
  const names: string[] = [];
  let real = schema;
  for (let step = 0; step < 8; step += 1) {
    const some = (real.anyOf ?? real.oneOf)?.filter((s) => s.type !== 'null');
    const next = real.$ref ? description.components.schemas[named(real.$ref)[1]] : some?.length === 1 ? some[0] : real.allOf?.length === 1 ? real.allOf[0] : undefined;
    if (!next) break;
    if (real.$ref) names.push(named(real.$ref)[1]);
    real = next;
  }
  return { schema: real, names };
}

/** A type in a few words: `integer`, `text or null`, `list of Account`, `"ok" | "failed"`. */
export function typeOf(description: Description, schema: Schema): string {
  if (schema.$ref) {
    const { schema: real } = follow(description, schema);
    return real.enum ? typeOf(description, real) : named(schema.$ref)[1];
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return [...new Set(some.map((s) => typeOf(description, s)))].join(' | ');
  if (schema.allOf?.length === 1) return typeOf(description, schema.allOf[0]!);
  const types = [schema.type ?? 'any'].flat();
  const words = types.map((type) => {
    if (type === 'array') return `${schema.items ? typeOf(description, schema.items) : 'any'}[]`;
    if (type === 'object' && typeof schema.additionalProperties === 'object') return `{ [name]: ${typeOf(description, schema.additionalProperties)} }`;
    return schema.format === 'date-time' && type === 'string' ? 'date-time' : type;
  });
  return words.join(' | ');
}

/** Limits in words: `1…500`, `≤ 191 characters`. */
export function limits(schema: Schema | undefined): string {
  if (!schema) return '';
  const said: string[] = [];
  if (schema.minimum !== undefined || schema.maximum !== undefined) said.push(`${schema.minimum ?? ''}…${schema.maximum ?? ''}`);
  if (schema.maxLength !== undefined) said.push(`≤ ${schema.maxLength}`);
  if (schema.default !== undefined && schema.default !== null) said.push(`= ${JSON.stringify(schema.default)}`);
  return said.join(', ');
}

/** The address of a request; `null` while a part of the path is missing. */
export function address(entry: Entry, values: Record<string, string>): string | null {
  let path = entry.path;
  for (const parameter of entry.operation.parameters ?? []) {
    if (parameter.in !== 'path') continue;
    const value = values[parameter.name]?.trim();
    if (!value) return null;
    path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
  }
  const query = new URLSearchParams();
  for (const parameter of entry.operation.parameters ?? []) {
    const value = values[parameter.name]?.trim();
    if (parameter.in === 'query' && value) query.set(parameter.name, value);
  }
  return query.size ? `${path}?${query}` : path;
}
