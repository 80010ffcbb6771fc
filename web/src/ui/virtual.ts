export interface Window {
  first: number;
  /** One beyond the last. */
  last: number;
  /** Pixels above and below. */
  above: number;
  below: number;
}

/** Which rows are worth having in the page: those in sight and some on either side. */
export function windowOf(scroll: number, height: number, row: number, total: number, spare = 12): Window {
  const first = Math.max(0, Math.min(total, Math.floor(scroll / row) - spare));
  const last = Math.max(first, Math.min(total, Math.ceil((scroll + height) / row) + spare));
  return { first, last, above: first * row, below: (total - last) * row };
}
