import { expect, it } from 'vitest';
import { backoff } from '../src/state/live.svelte';

it('waits longer each time, up to half a minute, and never together with the other tabs', () => {
  expect([0, 1, 2, 3, 4, 5, 9].map((n) => backoff(n, 0))).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  expect(backoff(5, 1)).toBe(22500);
});
