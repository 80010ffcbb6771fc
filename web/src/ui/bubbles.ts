import type { Ranked } from '../api/types';

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  width: number;
  height: number;
}

export interface Bubble {
  row: Ranked;
  x: number;
  y: number;
  r: number;
  labelled: boolean;
  labelX: number;
  labelY: number;
  anchor: 'start' | 'end';
}

export interface Drawn {
  list: Bubble[];
  /** The range of each axis, as counts. */
  x: [number, number];
  y: [number, number];
  px: (count: number) => number;
  py: (count: number) => number;
}

// log(n + 1), so that nothing listed and nothing sold have a place as well.
const log = (n: number) => Math.log(n + 1);

/** (outflow + 1) / (inflow + 1) × ln(outflow + 1): a row's own `score` is whatever its list is ranked by. */
export const hot = (row: Ranked) => ((row.outflow + 1) / (row.inflow + 1)) * Math.log(row.outflow + 1);

function rangeOf(counts: number[]): [number, number] {
  if (counts.length === 0) return [0, 10];
  const low = Math.min(...counts);
  const high = Math.max(...counts, 1);
  const far = Math.max(log(high) - log(low), 0.6);
  return [Math.max(0, Math.exp(log(low) - far * 0.08) - 1), Math.exp(log(high) + far * 0.08) - 1];
}

/** Where each bubble lies, and which of them have room for their names. */
export function bubbles(rows: Ranked[], frame: Frame): Drawn {
  const x = rangeOf(rows.map((row) => row.inflow));
  const y = rangeOf(rows.map((row) => row.outflow));
  const wide = Math.max(1, frame.width - frame.left - frame.right);
  const tall = Math.max(1, frame.height - frame.top - frame.bottom);
  const px = (n: number) => frame.left + ((log(n) - log(x[0])) / (log(x[1]) - log(x[0]))) * wide;
  const py = (n: number) => frame.top + tall - ((log(n) - log(y[0])) / (log(y[1]) - log(y[0]))) * tall;
  const most = Math.max(...rows.map(hot), 1e-9);
  const large = Math.min(26, 10 + frame.width / 60);
  const list = rows.map((row) => ({
    row,
    x: px(row.inflow),
    y: py(row.outflow),
    r: 4 + Math.sqrt(hot(row) / most) * (large - 4),
    labelled: false,
    labelX: 0,
    labelY: 0,
    anchor: 'start' as 'start' | 'end',
  }));
  list.sort((a, b) => b.r - a.r || a.row.ip_id - b.row.ip_id);
  place(list, frame);
  return { list, x, y, px, py };
}

interface Box {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

/** Names beside the largest bubbles first, wherever they cover neither a name nor the middle of a bubble. */
function place(list: Bubble[], frame: Frame): void {
  const taken: Box[] = [];
  for (const bubble of list.slice(0, 24)) {
    const long = textWidth(bubble.row);
    for (const anchor of ['start', 'end'] as const) {
      const labelX = anchor === 'start' ? bubble.x + bubble.r + 4 : bubble.x - bubble.r - 4;
      const x0 = anchor === 'start' ? labelX : labelX - long;
      const box = { x0, x1: x0 + long, y0: bubble.y - 8, y1: bubble.y + 8 };
      if (box.x0 < frame.left || box.x1 > frame.width - 2) continue;
      const hits = taken.some((b) => box.x0 < b.x1 && b.x0 < box.x1 && box.y0 < b.y1 && b.y0 < box.y1);
      const covers = list.some((b) => b !== bubble && touches(b, box));
      if (hits || covers) continue;
      Object.assign(bubble, { labelled: true, labelX, labelY: bubble.y + 4, anchor });
      taken.push(box);
      break;
    }
  }
}

/** Whether a bubble reaches into a box by more than its rim. */
function touches(b: Bubble, box: Box): boolean {
  const dx = Math.max(box.x0 - b.x, 0, b.x - box.x1);
  const dy = Math.max(box.y0 + 3 - b.y, 0, b.y - box.y1 + 3);
  return dx * dx + dy * dy < (b.r - 2) ** 2;
}

function textWidth(row: Ranked): number {
  const text = row.ip_name_en || row.ip_name;
  let wide = 0;
  for (const c of text) wide += c.charCodeAt(0) > 0x2e80 ? 12 : 6.6;
  return Math.max(wide, [...row.ip_name].length * 12);
}

/** 0, 1, 2, 5, 10, 20, 50 … within the range, not more than seven. */
export function ticksOf([low, high]: [number, number]): number[] {
  const all = [0];
  for (let ten = 1; ten <= high; ten *= 10) all.push(ten, ten * 2, ten * 5);
  let within = all.filter((n) => n >= low && n <= high);
  if (within.length > 7) within = within.filter((n) => n === 0 || /^10*$/.test(String(n)) || /^50*$/.test(String(n)));
  if (within.length > 7) within = within.filter((n) => n === 0 || /^10*$/.test(String(n)));
  return within;
}

/** The field where more is bought than listed, as a path. */
export function diagonal(drawn: Drawn, frame: Frame): string {
  const left = frame.left;
  const right = frame.width - frame.right;
  const top = frame.top;
  const bottom = frame.height - frame.bottom;
  const points: [number, number][] = [];
  const steps = 24;
  for (let i = 0; i <= steps; i++) {
    const n = Math.exp(log(drawn.x[0]) + ((log(drawn.x[1]) - log(drawn.x[0])) * i) / steps) - 1;
    points.push([drawn.px(n), Math.min(bottom, Math.max(top, drawn.py(n)))]);
  }
  const line = points.map(([x, y]) => `L${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return `M${left} ${top}${line}L${right} ${top}Z`;
}
