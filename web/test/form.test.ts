import { expect, it } from 'vitest';
import type { FormField } from '../src/api/types';
import { monthOf, renewalDay, shift, weeksOf } from '../src/calendar';
import { configOf, typedOf } from '../src/form';
import { foreignHost, mayShow } from '../src/picture';

const field = (name: string, type: FormField['type'], secret = false): FormField => ({ name, label: name, type, secret, required: false, example: '', choices: [] });
const FIELDS = [field('url', 'url', true), field('port', 'number'), field('to', 'list'), field('headers', 'map'), field('at_all', 'flag')];

it('a generated form reads and writes a configuration, and never shows or sends back a secret', () => {
  const typed = typedOf(FIELDS, { url: '***', port: 587, to: ['a', 'b'], headers: { 'x-a': '1' }, at_all: true });
  expect(typed).toEqual({ url: '', port: '587', to: 'a\nb', headers: 'x-a: 1', at_all: true });
  expect(configOf(FIELDS, typed)).toEqual({ port: 587, to: ['a', 'b'], headers: { 'x-a': '1' }, at_all: true });
});

it('a month is whole weeks from Monday', () => {
  const weeks = weeksOf({ year: 2026, month: 11 });
  expect(weeks[0]![0]).toBe('2026-10-26');
  expect(weeks.at(-1)![6]).toBe('2026-12-06');
  expect(shift({ year: 2026, month: 12 }, 1)).toEqual({ year: 2027, month: 1 });
  expect(monthOf('2026-02-09')).toEqual({ year: 2026, month: 2 });
  expect(renewalDay('yearly', 229)).toBe('02-29');
});

it('a foreign picture is asked for only where that was allowed', () => {
  const own = 'http://127.0.0.1:8080';
  expect(mayShow('/pictures/1.jpg', 'own', own)).toBe(true);
  expect(mayShow('data:image/png;base64,AA', 'own', own)).toBe(true);
  expect(mayShow('https://static.mercdn.net/1.jpg', 'own', own)).toBe(false);
  expect(mayShow('https://static.mercdn.net/1.jpg', 'all', own)).toBe(true);
  expect(mayShow('http://static.mercdn.net/1.jpg', 'all', own)).toBe(false);
  expect(mayShow('javascript:alert(1)', 'all', own)).toBe(false);
  expect(foreignHost('https://static.mercdn.net/1.jpg', own)).toBe('static.mercdn.net');
});
