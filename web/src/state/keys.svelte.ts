import { SvelteMap } from 'svelte/reactivity';
import { ApiError, page, type Query } from '../api/client';
import type { Key } from '../api/types';

/** Rows of one request; also what "a page" is for choosing. */
export const PAGE = 200;
/** Pages kept: enough to scroll back, few enough to stay small. */
const KEPT = 24;

/** The rows of a list that is far longer than a page, loaded where they are looked at. */
export class KeyRows {
  total = $state(0);
  error = $state.raw<ApiError | null>(null);
  /** The first answer to this query has come. */
  ready = $state(false);
  at = $state<number | null>(null);

  #pages = new SvelteMap<number, Key[]>();
  #asked = new Map<number, AbortController>();
  #query: Query = {};
  #range: [number, number] = [0, 1];
  #stale = new Set<number>();

  row = (index: number): Key | undefined => this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];

  /** Rows that are here, of the pages in sight. */
  inPage(number: number): Key[] {
    return this.#pages.get(number) ?? [];
  }

  /** Asks another question: what is here is forgotten. */
  ask(query: Query): void {
    this.#abort();
    this.#query = query;
    this.#pages.clear();
    this.ready = false;
    this.error = null;
    this.#range = [0, 1];
    void this.#load(0);
  }

  /** These rows are in sight. */
  see(first: number, last: number): void {
    this.#range = [first, Math.max(first + 1, last)];
    for (const number of this.#seen()) {
      if ((!this.#pages.has(number) || this.#stale.has(number)) && !this.#asked.has(number) && this.ready) void this.#load(number);
    }
    this.#forget();
  }

  /** Asks again for what is in sight; what is shown stays until the answer comes. */
  reload(): void {
    this.#abort();
    this.#stale = new Set(this.#pages.keys());
    for (const number of this.#seen()) void this.#load(number);
  }

  stop(): void {
    this.#abort();
  }

  #seen(): number[] {
    const [first, last] = this.#range;
    const from = Math.floor(first / PAGE);
    const to = Math.floor((last - 1) / PAGE);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  }

  async #load(number: number): Promise<void> {
    const mine = new AbortController();
    this.#asked.set(number, mine);
    try {
      const query = { ...this.#query, page: number + 1, page_size: PAGE };
      const answer = await page('/api/v1/keys', query, mine.signal);
      if (this.#asked.get(number) !== mine) return;
      this.#pages.set(number, answer.data);
      this.#stale.delete(number);
      this.total = answer.total;
      this.ready = true;
      this.error = null;
      this.at = Date.now();
      // Rows may have gone while this one was asked for.
      for (const other of [...this.#pages.keys()]) if (other * PAGE >= answer.total && other > 0) this.#pages.delete(other);
    } catch (e) {
      if (this.#asked.get(number) !== mine || (e instanceof DOMException && e.name === 'AbortError')) return;
      this.error = e instanceof ApiError ? e : new ApiError(0, String(e));
    } finally {
      if (this.#asked.get(number) === mine) this.#asked.delete(number);
    }
    if (this.ready) this.see(...this.#range);
  }

  #forget(): void {
    if (this.#pages.size <= KEPT) return;
    const middle = (this.#range[0] + this.#range[1]) / 2 / PAGE;
    const far = [...this.#pages.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const number of far.slice(0, this.#pages.size - KEPT)) this.#pages.delete(number);
  }

  #abort(): void {
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
  }
}
