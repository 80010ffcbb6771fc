import type { HourStats, PeriodStats, SaleItem } from './api/types';

/** One point of an IP's history, oldest first. */
export interface Row {
  /** Epoch milliseconds. */
  at: number;
  inflow: number;
  outflow: number;
  index: number | null;
  active: number | null;
  median: number | null;
  min: number | null;
  max: number | null;
  saturated: boolean;
  cheapest: SaleItem | null;
  dearest: SaleItem | null;
}

export function rowsOf(stats: (HourStats | PeriodStats)[]): Row[] {
  return stats
    .map((s) => ({
      at: Date.parse('hour_bucket' in s ? s.hour_bucket : s.starts_at),
      inflow: s.inflow,
      outflow: s.outflow,
      index: s.liquidity_index,
      active: s.active_count,
      median: s.median_price,
      min: s.min_price,
      max: s.max_price,
      saturated: s.saturated,
      cheapest: s.min_price_item,
      dearest: s.max_price_item,
    }))
    .sort((a, b) => a.at - b.at);
}

/** The cheapest and the dearest sale of all the rows. */
export function extremes(rows: Row[]): { cheapest: SaleItem | null; dearest: SaleItem | null } {
  let cheapest: SaleItem | null = null;
  let dearest: SaleItem | null = null;
  for (const row of rows) {
    if (row.cheapest && (!cheapest || row.cheapest.price < cheapest.price)) cheapest = row.cheapest;
    if (row.dearest && (!dearest || row.dearest.price > dearest.price)) dearest = row.dearest;
  }
  return { cheapest, dearest };
}
