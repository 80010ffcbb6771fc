/** Server-sent events: what the server has committed. Pages ask again for what they show; events carry only hints. */

export type EventName = 'crawl' | 'leaderboard' | 'alert' | 'alert_changed' | 'account' | 'refresh' | 'resync';
export type LiveState = 'off' | 'connecting' | 'open' | 'lost';

type Listener = (data: Record<string, unknown>) => void;

const NAMES: EventName[] = ['crawl', 'leaderboard', 'alert', 'alert_changed', 'account', 'refresh', 'resync'];
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Milliseconds before try `n` (from 0): doubling, capped, with up to a quarter off so that tabs spread. */
export function backoff(n: number, dice: number): number {
  const full = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** n);
  return Math.round(full * (1 - dice / 4));
}

class Live {
  state = $state<LiveState>('off');
  /** When the connection was lost, in epoch milliseconds. */
  lostAt = $state<number | null>(null);

  #source: EventSource | null = null;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Map<EventName, Set<Listener>>();

  start(): void {
    if (this.#source || this.#timer) return;
    this.#connect();
    addEventListener('online', this.retry);
  }

  /** Connects anew, with the credential that holds now. */
  restart(): void {
    this.stop();
    this.start();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = null;
    this.#tries = 0;
    this.state = 'off';
    this.lostAt = null;
    removeEventListener('online', this.retry);
  }

  retry = (): void => {
    if (this.state !== 'lost') return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  /** Calls `listener` for each event; the answer takes it back. */
  on(name: EventName, listener: Listener): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
    return () => set.delete(listener);
  }

  #tell(name: EventName, data: Record<string, unknown>): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(data);
  }

  #connect(): void {
    this.#timer = undefined;
    if (this.state === 'off') this.state = 'connecting';
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    source.onopen = () => {
      const again = this.lostAt !== null;
      this.#tries = 0;
      this.state = 'open';
      this.lostAt = null;
      // What happened in between was not heard.
      if (again) this.#tell('resync', {});
    };
    source.onerror = () => {
      // The browser's own reconnecting has no backoff; ours has.
      source.close();
      if (this.#source !== source) return;
      this.#source = null;
      this.state = 'lost';
      this.lostAt ??= Date.now();
      this.#timer = setTimeout(() => this.#connect(), backoff(this.#tries++, Math.random()));
    };
    for (const name of NAMES) {
      source.addEventListener(name, (event) => this.#tell(name, parsed((event as MessageEvent<string>).data)));
    }
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export const live = new Live();

/** Runs `call` some time after the last event of a burst, and at the latest after `most` milliseconds. */
export function settled(call: () => void, quiet = 800, most = 4_000): { hear: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let first = 0;
  const run = () => {
    timer = undefined;
    call();
  };
  return {
    hear() {
      const now = Date.now();
      if (!timer) first = now;
      clearTimeout(timer);
      timer = setTimeout(run, Math.max(0, Math.min(quiet, first + most - now)));
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
