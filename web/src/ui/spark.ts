export interface Drawn {
  line: string;
  area: string;
  /** Where the level lies; `null` when there is none or it is far off. */
  level: number | null;
}

/** The path of a line over evenly spaced values; a gap where a value is not known. `null` of fewer than two. */
export function linePath(values: (number | null)[], width: number, height: number, level: number | null = null): Drawn | null {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  if (known.length < 2) return null;
  let low = Math.min(...known);
  let high = Math.max(...known);
  if (level !== null && level < high + (high - low || high) * 2) {
    low = Math.min(low, level);
    high = Math.max(high, level);
  }
  const room = high - low || 1;
  const y = (v: number) => round(height - 3 - ((v - low) / room) * (height - 6));
  const x = (i: number) => round((i / (values.length - 1)) * width);
  let line = '';
  let area = '';
  let begun = -1;
  values.forEach((v, i) => {
    const ends = v === null || i === values.length - 1;
    if (v !== null) {
      line += `${begun < 0 ? 'M' : 'L'}${x(i)} ${y(v)}`;
      area += begun < 0 ? `M${x(i)} ${height}L${x(i)} ${y(v)}` : `L${x(i)} ${y(v)}`;
      if (begun < 0) begun = i;
    }
    if (ends && begun >= 0) {
      area += `L${x(v === null ? i - 1 : i)} ${height}Z`;
      begun = -1;
    }
  });
  const inside = level !== null && level >= low && level <= high;
  return { line, area, level: inside ? y(level) : null };
}

const round = (n: number) => Math.round(n * 10) / 10;
