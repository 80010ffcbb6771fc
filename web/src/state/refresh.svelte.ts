import { get } from '../api/client';
import type { Refresh } from '../api/types';
import { live } from './live.svelte';

/** Follows a refresh by its events, and by asking where events do not come. */
export class Progress {
  current = $state.raw<Refresh | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #off: (() => void) | undefined;

  /** Calls `done` once it has ended. */
  follow(refresh: Refresh, done: () => void): void {
    this.stop();
    this.current = refresh;
    const take = (seen: Refresh) => {
      if (String(seen.id) !== String(refresh.id)) return;
      const before = this.current;
      if (before && seen.done < before.done && !seen.finished_at) return;
      this.current = seen;
      if (seen.finished_at) {
        this.stop();
        this.current = seen;
        done();
      }
    };
    this.#off = live.on('refresh', (data) => take(data as unknown as Refresh));
    const ask = async () => {
      try {
        take(await get(`/api/v1/refreshes/${refresh.id}`));
      } catch {
        // The next one tells.
      }
      if (this.#off) this.#timer = setTimeout(ask, 2_000);
    };
    if (refresh.finished_at) take(refresh);
    else this.#timer = setTimeout(ask, 700);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#off?.();
    this.#off = undefined;
    this.current = null;
  }
}
