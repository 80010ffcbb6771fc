/** Numbers, amounts, times: written by Intl, pure but for the language they are given. Unknown is "—", never 0. */

export const UNKNOWN = '—';

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(name: string, make: () => T): T {
  let made = cache.get(name) as T | undefined;
  if (!made) cache.set(name, (made = make()));
  return made;
}

type Numeric = number | string | null | undefined;

function known(value: Numeric): value is number | string {
  return value !== null && value !== undefined && value !== '' && Number.isFinite(Number(value));
}

/** 1,234 or 12.3; whole numbers have no places. */
export function number(value: Numeric, tag: string, places = 0): string {
  if (!known(value)) return UNKNOWN;
  const format = kept(`n${tag}${places}`, () => new Intl.NumberFormat(tag, { maximumFractionDigits: places }));
  return format.format(value as never);
}

/** 1.2K, 12万 … */
export function compact(value: Numeric, tag: string): string {
  if (!known(value)) return UNKNOWN;
  const options: Intl.NumberFormatOptions = { notation: 'compact', maximumSignificantDigits: 3 };
  return kept(`c${tag}`, () => new Intl.NumberFormat(tag, options)).format(value as never);
}

/** A ratio with two places, as the liquidity index is read. */
export function ratio(value: Numeric, tag: string): string {
  if (!known(value)) return UNKNOWN;
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return kept(`r${tag}`, () => new Intl.NumberFormat(tag, options)).format(value as never);
}

/** 0.125 → 12.5 %. */
export function percent(value: Numeric, tag: string, places = 0): string {
  if (!known(value)) return UNKNOWN;
  const options: Intl.NumberFormatOptions = { style: 'percent', maximumFractionDigits: places };
  return kept(`p${tag}${places}`, () => new Intl.NumberFormat(tag, options)).format(value as never);
}

/** +12 %, −3 %. */
export function change(value: Numeric, tag: string): string {
  if (!known(value)) return UNKNOWN;
  const options: Intl.NumberFormatOptions = { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' };
  return kept(`s${tag}`, () => new Intl.NumberFormat(tag, options)).format(value as never);
}

export function yen(value: Numeric, tag: string): string {
  if (!known(value)) return UNKNOWN;
  const options: Intl.NumberFormatOptions = {
    style: 'currency',
    currency: 'JPY',
    currencyDisplay: 'narrowSymbol',
    maximumFractionDigits: 0,
  };
  return kept(`y${tag}`, () => new Intl.NumberFormat(tag, options)).format(value as never);
}

/** An amount in its unit: a currency by its sign, anything else with the word behind. Text keeps all its digits. */
export function amount(value: Numeric, unit: string | null | undefined, tag: string, short = false): string {
  if (!known(value)) return UNKNOWN;
  if (unit && /^[A-Z]{3}$/.test(unit)) {
    // The long sign: by the narrow one yuan and yen, or the dollars of five countries, look the same.
    const sign: Intl.NumberFormatOptions = { style: 'currency', currency: unit, currencyDisplay: 'symbol' };
    const size: Intl.NumberFormatOptions = short
      ? { notation: 'compact', maximumSignificantDigits: 3 }
      : { maximumFractionDigits: unit === 'JPY' ? 0 : Math.abs(Number(value)) < 1 ? 4 : 2 };
    const name = `a${tag}${unit}${short}${size.maximumFractionDigits}`;
    try {
      return kept(name, () => new Intl.NumberFormat(tag, { ...sign, ...size })).format(value as never);
    } catch {
      // Three capital letters that are no currency: written as a word.
    }
  }
  const written = short || Math.abs(Number(value)) >= 1e7 ? compact(value, tag) : number(value, tag, 2);
  return unit ? `${written} ${unit}` : written;
}

const DAY = 86_400_000;

export type ZoneName = string | undefined;

function dated(name: string, tag: string, zone: ZoneName, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(`${name}${tag}${zone}`, () => new Intl.DateTimeFormat(tag, { ...options, timeZone: zone }));
}

/** Nov 21, 14:05 – with the year when it is another than `now`'s. */
export function time(value: string | null | undefined, tag: string, zone: ZoneName, now = Date.now()): string {
  const at = value ? Date.parse(value) : NaN;
  if (!Number.isFinite(at)) return UNKNOWN;
  const options: Intl.DateTimeFormatOptions = {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  };
  if (Math.abs(now - at) > 300 * DAY) return dated('ty', tag, zone, { ...options, year: 'numeric' }).format(at);
  return dated('t', tag, zone, options).format(at);
}

/** 14:05 */
export function clockTime(at: number | string, tag: string, zone: ZoneName): string {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return dated('h', tag, zone, options).format(typeof at === 'string' ? Date.parse(at) : at);
}

/** The whole instant with its zone, for a title. */
export function fullTime(value: string | null | undefined, tag: string, zone: ZoneName): string {
  const at = value ? Date.parse(value) : NaN;
  if (!Number.isFinite(at)) return UNKNOWN;
  return dated('f', tag, zone, { dateStyle: 'full', timeStyle: 'long' }).format(at);
}

/** A day of the calendar (2026-11-21), which is the same day everywhere. */
export function day(value: string | null | undefined, tag: string, weekday = false): string {
  const at = value ? Date.parse(`${value.slice(0, 10)}T00:00:00Z`) : NaN;
  if (!Number.isFinite(at)) return UNKNOWN;
  const options: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: 'numeric' };
  if (weekday) options.weekday = 'short';
  return dated(`d${weekday}`, tag, 'UTC', options).format(at);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', DAY],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** 5 min ago, in 2 h. */
export function ago(value: string | number | null | undefined, now: number, tag: string): string {
  const at = typeof value === 'number' ? value : value ? Date.parse(value) : NaN;
  if (!Number.isFinite(at)) return UNKNOWN;
  // The clock of the page moves in steps: what is that near is now.
  const far = Math.abs(at - now) < 5_000 ? 0 : at - now;
  const format = kept(`g${tag}`, () => new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'narrow' }));
  for (const [unit, size] of STEPS) {
    if (Math.abs(far) >= size) return format.format(Math.trunc(far / size), unit);
  }
  return format.format(0, 'second');
}

/** A length of time in its largest unit: 3.2 d, 5 h, 12 min. */
export function span(seconds: number | null | undefined, tag: string): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const [unit, value] =
    seconds >= 86_400
      ? ['day', seconds / 86_400]
      : seconds >= 3_600
        ? ['hour', seconds / 3_600]
        : seconds >= 60
          ? ['minute', seconds / 60]
          : (['second', seconds] as [string, number]);
  const places = (value as number) < 10 && unit !== 'second' ? 1 : 0;
  const options: Intl.NumberFormatOptions = { style: 'unit', unit: unit as string, unitDisplay: 'short', maximumFractionDigits: places };
  return kept(`u${tag}${unit}${places}`, () => new Intl.NumberFormat(tag, options)).format(value as number);
}

/** The middle of numbers; `null` of none. */
export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
