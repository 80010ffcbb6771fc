import { ApiError } from './api/client';
import { t } from './i18n/index.svelte';
import { toasts } from './state/toasts.svelte';

/** A failure in the person's words; the server's own sentence where it says what is wrong with the request. */
export function failure(e: unknown): string {
  if (!(e instanceof ApiError)) return t('error.unexpected');
  switch (e.status) {
    case 0:
      return t('error.offline');
    case 401:
      return t('error.unauthorized');
    case 403:
      return t('error.forbidden');
    case 404:
      return t('error.notFound');
    case 429:
      return e.retryAfter ? t('error.limited', { n: e.retryAfter }) : t('error.limitedSoon');
    case 500:
    case 502:
    case 503:
    case 504:
      return t('error.server', { status: e.status });
    default:
      return e.message || t('error.unexpected');
  }
}

/** Runs an action; says how it went. The answer is whether it worked. */
export async function act(run: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await run();
    if (done) toasts.show(done, 'good');
    return true;
  } catch (e) {
    toasts.show(failure(e), 'bad');
    return false;
  }
}
