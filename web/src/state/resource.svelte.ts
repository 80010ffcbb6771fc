import { ApiError } from '../api/client';

/**
 * Something that is loaded and may be loaded again. A failed reload keeps the last good value: the page then shows it
 * with its age and the failure.
 */
export class Resource<T> {
  value = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  /** When the value came, in epoch milliseconds. */
  at = $state<number | null>(null);

  #latest: AbortController | null = null;

  /** Takes the answer of `fetcher` unless a later call was made meanwhile. */
  async load(fetcher: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.#latest?.abort();
    const mine = new AbortController();
    this.#latest = mine;
    this.loading = true;
    try {
      const value = await fetcher(mine.signal);
      if (mine !== this.#latest) return;
      this.value = value;
      this.at = Date.now();
      this.error = null;
    } catch (e) {
      if (mine !== this.#latest || (e instanceof DOMException && e.name === 'AbortError')) return;
      this.error = e instanceof ApiError ? e : new ApiError(0, e instanceof Error ? e.message : String(e));
    } finally {
      if (mine === this.#latest) this.loading = false;
    }
  }

  /** Forgets what is there, so that the next load begins with a skeleton. */
  clear(): void {
    this.#latest?.abort();
    this.#latest = null;
    this.value = undefined;
    this.error = null;
    this.loading = false;
    this.at = null;
  }
}
