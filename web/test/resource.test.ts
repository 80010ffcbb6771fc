import { expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import { Resource } from '../src/state/resource.svelte';

it('keeps the last good value beside a failure', async () => {
  const resource = new Resource<number>();
  await resource.load(async () => 1);
  await resource.load(async () => {
    throw new ApiError(503, 'busy');
  });
  expect(resource.value).toBe(1);
  expect(resource.error?.status).toBe(503);
  await resource.load(async () => 2);
  expect([resource.value, resource.error]).toEqual([2, null]);
});

it('takes the answer to the latest question, whichever comes first', async () => {
  const resource = new Resource<string>();
  let slow!: (value: string) => void;
  const first = resource.load(() => new Promise<string>((resolve) => (slow = resolve)));
  await resource.load(async () => 'second');
  slow('first');
  await first;
  expect(resource.value).toBe('second');
  expect(resource.loading).toBe(false);
});
