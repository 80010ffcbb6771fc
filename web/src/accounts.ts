import type { Account, Forecast, Threshold } from './api/types';

/** A threshold in its parts; `null` for words this page does not know. */
export interface Limit {
  measure: 'remaining' | 'percent' | 'days_left' | 'expires';
  below: number;
}

export function limitOf(when: string): Limit | null {
  const text = when.trim().toLowerCase();
  const found = /^(?:remaining\s*<\s*)?(-?[\d.]+)\s*(%?)$/.exec(text);
  if (found) return { measure: found[2] ? 'percent' : 'remaining', below: Number(found[1]) };
  const days = /^days_left\s*<\s*([\d.]+)$/.exec(text);
  if (days) return { measure: 'days_left', below: Number(days[1]) };
  const expires = /^expires\s+within\s+([\d.]+)\s+days?$/.exec(text);
  return expires ? { measure: 'expires', below: Number(expires[1]) } : null;
}

export function whenOf(limit: Limit): string {
  switch (limit.measure) {
    case 'remaining':
      return `remaining < ${limit.below}`;
    case 'percent':
      return `remaining < ${limit.below} %`;
    case 'days_left':
      return `days_left < ${limit.below}`;
    case 'expires':
      return `expires within ${limit.below} days`;
  }
}

/** The highest amount below which something fires, in the account's unit; `null` when no threshold is an amount. */
export function levelOf(thresholds: Threshold[], total: string | null): number | null {
  const levels = thresholds.flatMap(({ when }) => {
    const limit = limitOf(when);
    if (limit?.measure === 'remaining') return [limit.below];
    if (limit?.measure === 'percent' && total !== null) return [(Number(total) * limit.below) / 100];
    return [];
  });
  return levels.length ? Math.max(...levels) : null;
}

/** How full it is, 0 to 1: by what is left of the whole, else by four times the threshold. */
export function fill(account: Account): number | null {
  if (account.unlimited) return 1;
  if (account.remaining === null) return null;
  const left = Number(account.remaining);
  const total = account.total === null ? 0 : Number(account.total);
  const level = levelOf(account.thresholds, account.total);
  const whole = total > 0 ? total : level !== null && level > 0 ? level * 4 : 0;
  return whole > 0 ? Math.min(1, Math.max(0, left / whole)) : null;
}

/** Where on the bar the threshold lies, 0 to 1. */
export function mark(account: Account): number | null {
  const level = levelOf(account.thresholds, account.total);
  if (level === null) return null;
  const total = account.total === null ? 0 : Number(account.total);
  const whole = total > 0 ? total : level * 4;
  return whole > 0 ? Math.min(1, level / whole) : null;
}

/** Good, warn or bad, by what fires and how the last look went; nothing where nothing is known. */
export function tone(account: Account): 'good' | 'warn' | 'bad' | '' {
  if (account.alerts.some((a) => a.severity === 'critical')) return 'bad';
  if (account.alerts.length > 0) return 'warn';
  if (account.remaining !== null && Number(account.remaining) <= 0 && !account.unlimited) return 'bad';
  return account.good_at ? 'good' : '';
}

/** The last look failed, or the last good reading is older than three of its intervals. */
export function isStale(account: Account, now: number): boolean {
  if (account.status === 'new' || account.state === 'paused') return false;
  if (account.status !== 'ok') return true;
  if (!account.good_at) return false;
  return now - Date.parse(account.good_at) > Math.max(3 * account.interval_seconds, 600) * 1000;
}

/** Days left with their range, as numbers for people: whole from ten on. */
export function daysOf(forecast: Forecast | null): { days: number; low: number | null; high: number | null } | null {
  if (!forecast || forecast.days_left === null) return null;
  const near = (n: number) => (n < 10 ? Math.round(n * 10) / 10 : Math.round(n));
  return {
    days: near(forecast.days_left),
    low: forecast.low === null ? null : near(forecast.low),
    high: forecast.high === null ? null : near(forecast.high),
  };
}
