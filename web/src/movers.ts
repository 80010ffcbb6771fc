import type { Ranked } from './api/types';

export interface Mover {
  row: Ranked;
  /** Sales per hour lately / over the longer window − 1. */
  change: number;
  /** Sales per hour lately. */
  rate: number;
}

/** Sales below which a change of rate says nothing. */
const ENOUGH = 4;

/** What sells at another pace in the short window than in the long one, strongest first; rates, so that gaps don't count. */
export function movers(short: Ranked[], long: Ranked[], most = 8): Mover[] {
  const usual = new Map(long.map((row) => [row.ip_id, row]));
  const list: Mover[] = [];
  for (const row of short) {
    const base = usual.get(row.ip_id);
    if (!base || base.hours <= row.hours || row.hours === 0 || base.outflow === 0) continue;
    const expected = (base.outflow / base.hours) * row.hours;
    if (row.outflow + expected < ENOUGH) continue;
    list.push({ row, change: row.outflow / expected - 1, rate: row.outflow / row.hours });
  }
  const strength = (m: Mover) => Math.abs(Math.log((m.change + 1.1) / 1.1)) * Math.sqrt(m.row.outflow + 1);
  return list.sort((a, b) => strength(b) - strength(a) || a.row.ip_id - b.row.ip_id).slice(0, most);
}

/** Sums over the rows; a bound when a row is one, or when more rows than these may be there. */
export function totals(rows: Ranked[]): { inflow: number; outflow: number; index: number | null; saturated: number; bound: boolean } {
  const inflow = rows.reduce((sum, row) => sum + row.inflow, 0);
  const outflow = rows.reduce((sum, row) => sum + row.outflow, 0);
  const saturated = rows.filter((row) => row.saturated).length;
  return { inflow, outflow, index: inflow > 0 ? outflow / inflow : null, saturated, bound: saturated > 0 || rows.length >= 100 };
}
