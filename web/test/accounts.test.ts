import { describe, expect, it } from 'vitest';
import { isStale, levelOf, limitOf, whenOf } from '../src/accounts';
import type { Account } from '../src/api/types';

describe('thresholds', () => {
  it.each([
    ['remaining < 100', { measure: 'remaining', below: 100 }],
    ['remaining < 20 %', { measure: 'percent', below: 20 }],
    ['remaining < 20%', { measure: 'percent', below: 20 }],
    ['days_left < 7', { measure: 'days_left', below: 7 }],
    ['expires within 14 days', { measure: 'expires', below: 14 }],
    ['100', { measure: 'remaining', below: 100 }],
    ['when the moon is full', null],
  ])('%s', (when, limit) => {
    expect(limitOf(when)).toEqual(limit);
    if (limit) expect(limitOf(whenOf(limitOf(when)!))).toEqual(limit);
  });
  it('the line across is the highest amount', () => {
    const severity = 'warning' as const;
    expect(levelOf([{ when: 'remaining < 5', severity }, { when: 'remaining < 20 %', severity }], '100')).toBe(20);
    expect(levelOf([{ when: 'remaining < 20 %', severity }], null)).toBeNull();
    expect(levelOf([{ when: 'days_left < 3', severity }], '100')).toBeNull();
  });
});

describe('a reading is old', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const account = (more: Partial<Account>) => ({ status: 'ok', state: 'active', good_at: '2026-11-21T11:30:00Z', interval_seconds: 3600, ...more }) as Account;
  it.each([
    [{}, false],
    [{ good_at: '2026-11-21T08:00:00Z' }, true],
    [{ status: 'unauthorized' }, true],
    [{ status: 'new', good_at: null }, false],
    [{ state: 'paused' as const, status: 'unreachable' }, false],
  ])('%o: %s', (more, old) => expect(isStale(account(more), now)).toBe(old));
});
