import { describe, expect, it } from 'vitest';
import * as f from '../src/format';

it.each(['en', 'zh-CN', 'ja'])('currencies look different in %s', (tag) => {
  const written = ['CNY', 'JPY', 'USD', 'HKD', 'AUD'].map((unit) => f.amount('1', unit, tag, true));
  expect(new Set(written).size).toBe(5);
});

describe('what is not known is never zero', () => {
  it.each([null, undefined, '', 'NaN'])('%s', (value) => {
    expect(f.number(value, 'en')).toBe('—');
    expect(f.yen(value, 'ja')).toBe('—');
    expect(f.amount(value, 'USD', 'en')).toBe('—');
    expect(f.percent(value, 'zh-CN')).toBe('—');
    expect(f.ratio(value, 'en')).toBe('—');
  });
  it('zero is zero', () => {
    expect(f.number(0, 'en')).toBe('0');
    expect(f.amount('0', 'CNY', 'zh-CN')).toBe('¥0.00');
  });
});

describe('amounts', () => {
  it('keep every digit of a decimal text', () => {
    expect(f.number('9007199254740993', 'en')).toBe('9,007,199,254,740,993');
  });
  it.each([
    ['12.5', 'USD', 'en', '$12.50'],
    ['0.0213', 'USD', 'en', '$0.0213'],
    ['1738', 'JPY', 'ja', '￥1,738'],
    ['88213', 'credits', 'en', '88,213 credits'],
    ['20000000', 'tokens', 'en', '20M tokens'],
    ['5', null, 'en', '5'],
  ])('%s %s in %s', (value, unit, tag, text) => {
    expect(f.amount(value, unit, tag)).toBe(text);
  });
  it('three capital letters that are no currency do no harm', () => {
    expect(f.amount('3', 'ZZZZ', 'en')).toBe('3 ZZZZ');
  });
});

describe('times', () => {
  const now = Date.parse('2026-11-21T12:00:00+09:00');
  it('are shown in the zone that is chosen', () => {
    expect(f.time('2026-11-21T11:05:00+09:00', 'en', 'Asia/Tokyo', now)).toBe('Nov 21, 11:05');
    expect(f.time('2026-11-21T11:05:00+09:00', 'en', 'UTC', now)).toBe('Nov 21, 02:05');
    expect(f.time('2024-01-02T11:05:00+09:00', 'en', 'Asia/Tokyo', now)).toContain('2024');
    expect(f.time(null, 'en', undefined, now)).toBe('—');
  });
  it('have an age', () => {
    expect(f.ago(now - 5 * 60_000, now, 'en')).toBe('5m ago');
    expect(f.ago('2026-11-21T14:00:00+09:00', now, 'en')).toBe('in 2h');
    expect(f.ago(null, now, 'en')).toBe('—');
  });
  it('a day of the calendar is the same day everywhere', () => {
    expect(f.day('2026-11-21', 'en')).toBe('Nov 21, 2026');
    expect(f.day(null, 'en')).toBe('—');
  });
  it('spans are in their largest unit', () => {
    expect(f.span(90, 'en')).toBe('1.5 min');
    expect(f.span(3600 * 30, 'en')).toBe('1.3 days');
    expect(f.span(null, 'en')).toBe('—');
  });
});

it('the median of an even number is the mean of the middle two', () => {
  expect(f.median([4, 1, 3, 2])).toBe(2.5);
  expect(f.median([])).toBeNull();
});
