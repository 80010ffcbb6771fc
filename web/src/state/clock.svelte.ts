/** The present, as far as the page needs it. Simulated time runs at another pace: then it is the server's clock. */

class Clock {
  #local = $state(Date.now());
  #heard = $state.raw<{ server: number; local: number; pace: number } | null>(null);

  start(): void {
    setInterval(() => (this.#local = Date.now()), 2_000);
  }

  /** Epoch milliseconds where the data comes from. */
  get now(): number {
    const heard = this.#heard;
    return heard ? heard.server + (this.#local - heard.local) * heard.pace : this.#local;
  }

  /** Epoch milliseconds of this machine: for what happened in this page. */
  get local(): number {
    return this.#local;
  }

  /** The server says what time it is. Small differences are the way of the answer. */
  heard(time: string): void {
    const server = Date.parse(time);
    const local = Date.now();
    this.#local = local;
    if (!Number.isFinite(server)) return;
    const before = this.#heard;
    if (!before && Math.abs(server - local) < 60_000) return;
    const far = before ? local - before.local : 0;
    const pace = before && far > 1_000 ? Math.max(0, (server - before.server) / far) : (before?.pace ?? 1);
    this.#heard = { server, local, pace };
  }
}

export const clock = new Clock();
