/** Days of a calendar as YYYY-MM-DD text, which is the same day everywhere. Pure. */

export interface Month {
  year: number;
  /** 1–12 */
  month: number;
}

const text = (date: Date) => date.toISOString().slice(0, 10);
const utc = (year: number, month: number, day: number) => new Date(Date.UTC(year, month - 1, day));

export function monthOf(day: string): Month {
  return { year: Number(day.slice(0, 4)), month: Number(day.slice(5, 7)) };
}

export function shift({ year, month }: Month, by: number): Month {
  const date = utc(year, month + by, 1);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 };
}

/** The weeks of a month, Monday first, with the days of its neighbours that fill them. */
export function weeksOf({ year, month }: Month): string[][] {
  const first = utc(year, month, 1);
  const lead = (first.getUTCDay() + 6) % 7;
  const days = utc(year, month + 1, 0).getUTCDate();
  const weeks = Math.ceil((lead + days) / 7);
  return Array.from({ length: weeks }, (_, w) => Array.from({ length: 7 }, (_, d) => text(utc(year, month, 1 - lead + w * 7 + d))));
}

/** The renewal day of a cycle as a person writes it: 1–7, 1–31, or MM-DD. */
export function renewalDay(cycle: string, day: number): string {
  if (cycle !== 'yearly') return String(day);
  const four = String(day).padStart(4, '0');
  return `${four.slice(0, 2)}-${four.slice(2)}`;
}
