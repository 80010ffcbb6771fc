import type { KeyFilter, KeyImport } from './api/types';

const NUMBERS = ['remaining_min', 'remaining_max', 'ratio_min', 'ratio_max'] as const;

/** A filter as bodies carry it: empty words left out, bounds as numbers. */
export function bodyFilter(filter: KeyFilter): Record<string, string | number> {
  const body: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined || value === '') continue;
    body[name] = (NUMBERS as readonly string[]).includes(name) ? Number(value) : value;
  }
  return body;
}

export interface Batch {
  content: string;
  type: string;
  /** Lines of the input before this batch; a header that was put in front again counts off. */
  before: number;
  lines: number;
}

/** Cuts an input into batches of so many lines. JSON stays whole; a CSV header goes in front of each batch. */
export function batches(text: string, size = 10_000): Batch[] {
  const start = text.trimStart();
  if (start.startsWith('{') || start.startsWith('[')) {
    const body = start.startsWith('[') ? `{"keys":${start}}` : start;
    return [{ content: body, type: 'application/json', before: 0, lines: text.split('\n').length }];
  }
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.length && !lines.at(-1)!.trim()) lines.pop();
  const head = lines[0] ?? '';
  const header = /,/.test(head) && /(^|,)\s*"?key"?\s*(,|$)/i.test(head) ? head : null;
  const type = lines.some((line) => line.includes(',')) ? 'text/csv' : 'text/plain';
  const list: Batch[] = [];
  for (let at = 0; at < lines.length; at += size) {
    const part = lines.slice(at, at + size);
    const again = header !== null && at > 0;
    list.push({ content: (again ? [header, ...part] : part).join('\n'), type, before: again ? at - 1 : at, lines: part.length });
  }
  return list;
}

/** Adds what came of a batch to what came of those before it. */
export function addUp(sum: KeyImport, batch: KeyImport, before: number): KeyImport {
  const errors = batch.errors.map((e) => ({ ...e, line: e.line + before }));
  return {
    success: sum.success + batch.success,
    failed: sum.failed + batch.failed,
    duplicates: sum.duplicates + batch.duplicates,
    total: sum.total + batch.total,
    errors: [...sum.errors, ...errors].slice(0, 100),
  };
}

/** Puts text on the clipboard; false where the browser will not. */
export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
