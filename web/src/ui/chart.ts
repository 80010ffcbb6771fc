import type uPlot from 'uplot';

export interface Line {
  label: string;
  values: (number | null)[];
  /** A custom property, `--supply`. */
  colour: string;
  kind?: 'line' | 'bars' | 'points' | 'edge';
  /** The area between this line and the one after it is filled. */
  band?: boolean;
  /** Has no place in the legend. */
  quiet?: boolean;
  /** On the right-hand axis. */
  right?: boolean;
  format?: (value: number) => string;
}

export interface Look {
  lines: Line[];
  width: number;
  height: number;
  colour: (name: string) => string;
  group?: string;
  format: (value: number) => string;
  tag: string;
  zone: string | undefined;
  daily: boolean;
  level: number | null;
  font: string;
}

/** Days between ticks, whichever fits first. */
const DAYS = [1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730];

/** Hours or days under the axis, as the language writes them; the day where a new one begins. */
function ticks(look: Look): (u: uPlot, splits: number[]) => string[] {
  const hour = new Intl.DateTimeFormat(look.tag, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: look.zone });
  const day = new Intl.DateTimeFormat(look.tag, { month: 'numeric', day: 'numeric', timeZone: look.zone });
  return (_, splits) => {
    const wide = splits.length > 1 && splits[1]! - splits[0]! >= 86_400;
    let before = '';
    return splits.map((at) => {
      const date = day.format(at * 1000);
      const text = look.daily || wide || (date !== before && before !== '') ? date : hour.format(at * 1000);
      before = date;
      return text;
    });
  };
}

function seriesOf(line: Line, look: Look): uPlot.Series {
  const stroke = look.colour(line.colour);
  const scale = line.right ? 'right' : 'y';
  const points = { show: line.values.filter((v) => v !== null).length < 3, size: 5, fill: stroke };
  if (line.kind === 'points') return { stroke, scale, width: 0, paths: () => null, points: { show: true, size: 5, fill: stroke } };
  if (line.kind === 'edge') return { stroke: 'transparent', scale, width: 0, points: { show: false } };
  return { stroke, scale, width: 1.75, points, spanGaps: false };
}

/** Everything uPlot needs to draw these lines in this look. */
export function optionsOf(look: Look): uPlot.Options {
  const grid = { stroke: look.colour('--line'), width: 1 };
  const axis = { stroke: look.colour('--text-3'), grid, ticks: { show: false }, font: `11px ${look.font}` };
  const series: uPlot.Series[] = [{}, ...look.lines.map((line) => seriesOf(line, look))];
  if (look.level !== null) series.push({ stroke: look.colour('--bad'), width: 1.25, dash: [5, 4], points: { show: false } });
  const bands = look.lines.flatMap((line, i) =>
    line.band ? [{ series: [i + 1, i + 2] as [number, number], fill: look.colour(line.colour) + '2b' }] : [],
  );
  const right = look.lines.find((line) => line.right);
  const axes: uPlot.Axis[] = [
    // Where only days are written, several ticks of one day would all say the same.
    { ...axis, values: ticks(look), grid: { show: false }, size: 26, ...(look.daily ? { incrs: DAYS.map((n) => n * 86_400) } : {}) },
    { ...axis, values: (_, splits) => splits.map((v) => (v == null ? '' : look.format(v))), size: 58, gap: 4 },
  ];
  const scales: uPlot.Scales = { x: { time: true }, y: { range: (_, low, high) => room(low, high) } };
  if (right) {
    const format = right.format ?? look.format;
    axes.push({ ...axis, scale: 'right', side: 1, grid: { show: false }, values: (_, s) => s.map((v) => (v == null ? '' : format(v))), size: 50 });
    scales.right = { range: (_, low, high) => room(low, high) };
  }
  return {
    width: look.width,
    height: look.height,
    padding: [10, right ? 4 : 22, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 7, width: 2 },
      drag: { x: false, y: false },
      sync: look.group ? { key: look.group } : undefined,
    },
    series,
    bands,
    axes,
    scales,
  };
}

/** From zero where zero is near, with some air above. */
export function room(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : low > 0 ? [0, high * 1.2] : [low * 1.2, 0];
  const air = (high - low) * 0.08;
  const from = low >= 0 && low < high * 0.6 ? 0 : low - air;
  return [from, high + air];
}
