import { describe, expect, it } from 'vitest';
import type { Ranked } from '../src/api/types';
import { movers, totals } from '../src/movers';
import { bubbles, ticksOf } from '../src/ui/bubbles';
import { optionsOf, room } from '../src/ui/chart';
import { linePath } from '../src/ui/spark';
import { windowOf } from '../src/ui/virtual';

const row = (ip_id: number, inflow: number, outflow: number, hours = 24, saturated = false): Ranked => ({ rank: ip_id, ip_id, ip_name: `ip ${ip_id}`, ip_name_en: '', ip_name_cn: '', inflow, outflow, shops_inflow: 0, shops_outflow: 0, liquidity_index: inflow ? outflow / inflow : null, score: outflow, saturated, hours });

describe('a sparkline', () => {
  it('has a gap where nothing is known', () => {
    expect(linePath([1, 2, null, 3, 4], 100, 20)?.line.match(/M/g)).toHaveLength(2);
  });
  it('of one value is none', () => expect(linePath([null, 1], 100, 20)).toBeNull());
  it('shows a level that is near and leaves out one that is far', () => {
    expect(linePath([10, 12], 100, 20, 9)?.level).not.toBeNull();
    expect(linePath([10, 12], 100, 20, 900)?.level).toBeNull();
  });
});

describe('the window of a long list', () => {
  it('holds what is in sight and little more, however long the list', () => {
    const view = windowOf(38 * 5000, 600, 38, 10_000);
    expect(view.last - view.first).toBeLessThan(60);
    expect(view.above + view.below + (view.last - view.first) * 38).toBe(38 * 10_000);
  });
  it('ends with the list', () => {
    expect(windowOf(1e9, 600, 38, 10)).toMatchObject({ last: 10, below: 0 });
    expect(windowOf(0, 600, 38, 0)).toEqual({ first: 0, last: 0, above: 0, below: 0 });
  });
});

describe('the map', () => {
  const frame = { left: 40, right: 10, top: 10, bottom: 40, width: 600, height: 400 };
  it('has a place for those without sales or listings', () => {
    for (const bubble of bubbles([row(1, 0, 0), row(2, 100, 50)], frame).list) {
      expect([bubble.x, bubble.y, bubble.r].every(Number.isFinite)).toBe(true);
      expect(bubble.x).toBeGreaterThanOrEqual(frame.left);
      expect(bubble.y).toBeLessThanOrEqual(frame.height - frame.bottom);
    }
  });
  it('puts no name over another', () => {
    const list = bubbles(Array.from({ length: 30 }, (_, i) => row(i + 1, 50 + (i % 3), 50 + (i % 4))), frame).list;
    expect(list.filter((b) => b.labelled).length).toBeLessThan(12);
  });
  it('has few ticks', () => {
    expect(ticksOf([0, 9])).toEqual([0, 1, 2, 5]);
    expect(ticksOf([0, 100_000]).length).toBeLessThanOrEqual(7);
  });
});

describe('movers', () => {
  it('compare rates, so that a window with gaps is not held to be slow', () => {
    const [first] = movers([row(1, 5, 20, 10)], [row(1, 50, 168, 168)]);
    expect(first).toMatchObject({ change: 1, rate: 2 });
  });
  it('leave out what has too few sales to say', () => {
    expect(movers([row(1, 1, 2, 1)], [row(1, 10, 12, 24)])).toEqual([]);
  });
});

it('a sum with a lower bound in it is one', () => {
  expect(totals([row(1, 10, 5), row(2, 0, 5)])).toMatchObject({ inflow: 10, outflow: 10, index: 1, bound: false });
  expect(totals([row(1, 10, 5, 24, true)]).bound).toBe(true);
  expect(totals([row(1, 0, 5)]).index).toBeNull();
});

it('an axis begins at zero where zero is near', () => {
  expect(room(1, 10)[0]).toBe(0);
  expect(room(90, 100)[0]).toBeGreaterThan(80);
  expect(room(null, null)).toEqual([0, 1]);
  expect(room(0, 0)).toEqual([0, 1]);
});

it('days under an axis are at least a day apart', () => {
  const look = { lines: [], width: 800, height: 200, colour: () => '#000', format: String, tag: 'en', zone: 'Asia/Tokyo', level: null, font: 'sans-serif' };
  expect(Math.min(...(optionsOf({ ...look, daily: true }).axes![0]!.incrs as number[]))).toBe(86_400);
  expect(optionsOf({ ...look, daily: false }).axes![0]!.incrs).toBe(undefined);
});
