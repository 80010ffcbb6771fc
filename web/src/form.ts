import type { FormField } from './api/types';

/** What is typed into a generated form: text for all but flags. */
export type Typed = Record<string, string | boolean>;

/** The fields of a configuration as they are typed. A secret is never read back: its field begins empty. */
export function typedOf(fields: FormField[], config: Record<string, unknown> | null): Typed {
  const typed: Typed = {};
  for (const field of fields) {
    const value = field.secret ? undefined : config?.[field.name];
    if (field.type === 'flag') typed[field.name] = value === true;
    else if (Array.isArray(value)) typed[field.name] = value.join('\n');
    else if (value && typeof value === 'object') typed[field.name] = Object.entries(value).map(([k, v]) => `${k}: ${String(v)}`).join('\n');
    else typed[field.name] = value === undefined || value === null ? '' : String(value);
  }
  return typed;
}

/** The configuration of what was typed; what is empty is left out, so that a secret that is there stays. */
export function configOf(fields: FormField[], typed: Typed): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of fields) {
    const value = typed[field.name];
    if (field.type === 'flag') {
      if (value === true) config[field.name] = true;
      continue;
    }
    const text = String(value ?? '').trim();
    if (text === '') continue;
    if (field.type === 'number') config[field.name] = Number(text);
    else if (field.type === 'list') config[field.name] = text.split(/[\n,、，]/).map((s) => s.trim()).filter(Boolean);
    else if (field.type === 'map') config[field.name] = mapOf(text);
    else config[field.name] = text;
  }
  return config;
}

function mapOf(text: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) map[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return map;
}
