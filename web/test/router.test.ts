import { expect, it } from 'vitest';
import { match } from '../src/state/router.svelte';

it.each([
  ['/', 'overview', {}],
  ['/ip/12', 'ip', { id: '12' }],
  ['/accounts', 'accounts', {}],
  ['/accounts/', 'accounts', {}],
  ['/accounts/7', 'account', { id: '7' }],
  ['/keys', 'keys', {}],
  ['/alerts', 'alerts', {}],
  ['/alerts/7', 'alerts', { id: '7' }],
  ['/channels/3', 'channels', { id: '3' }],
  ['/api-docs', 'apiDocs', {}],
  ['/login', 'login', {}],
  ['/ip', 'missing', {}],
  ['/ip/1/2', 'missing', {}],
  ['/ip/%E0%A4%A', 'ip', { id: '%E0%A4%A' }],
])('%s is %s', (path, name, params) => {
  expect(match(path)).toEqual({ name, params });
});
