import { describe, expect, it } from 'vitest';
import en from '../src/i18n/en';
import ja from '../src/i18n/ja';
import zh from '../src/i18n/zh';

type Message = string | { one: string; other: string };
const words = en as Record<string, Message>;
const texts = (message: Message): string[] => (typeof message === 'string' ? [message] : Object.values(message));
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();
const inside = (message: Message): string[] => [...new Set(texts(message).flatMap(names))].sort();

describe.each([['zh', zh as Record<string, Message>], ['ja', ja as Record<string, Message>]])('%s', (_, other) => {
  it('has exactly the keys of English', () => {
    expect(Object.keys(other).sort()).toEqual(Object.keys(words).sort());
  });
  it('names the same values', () => {
    for (const [key, message] of Object.entries(words)) {
      expect([key, inside(other[key]!)]).toEqual([key, inside(message)]);
    }
  });
  it('leaves nothing empty', () => {
    for (const [key, message] of Object.entries(other)) for (const text of texts(message)) expect([key, text.trim() !== '']).toEqual([key, true]);
  });
});

it('every key is used, and every key that is used is there', () => {
  const files = import.meta.glob<string>(['../src/**/*.{svelte,ts}', '!../src/i18n/*'], { query: '?raw', import: 'default', eager: true });
  const source = Object.values(files).join('\n');
  // Words of the API are looked up by prefix: word.ok, forecast.burning …
  const byPrefix = new Set([...source.matchAll(/[`'"]([a-z]+(?:\.[a-z]+)?)\.\$\{/g)].map((found) => found[1]));
  const unused = Object.keys(words).filter((key) => {
    const prefix = key.slice(0, key.lastIndexOf('.'));
    return !source.includes(`'${key}'`) && !byPrefix.has(prefix) && prefix !== 'channel.field';
  });
  expect(unused).toEqual([]);
});
