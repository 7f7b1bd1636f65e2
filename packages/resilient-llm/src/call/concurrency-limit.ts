/** Lets a number of calls run at once. Further ones wait in the order in which they came. */
export class ConcurrencyLimit {
  readonly #maxConcurrency: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(maxConcurrency: number) {
    this.#maxConcurrency = maxConcurrency;
  }

  /**
   * Waits for a place. The returned function gives it back and must be called once.
   *
   * @throws The signal's reason if it aborts while the call waits.
   */
  async acquire(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#running < this.#maxConcurrency) this.#running += 1;
    else await this.#wait(signal);
    return () => this.#release();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#waiting.delete(enter);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(enter);
    });
  }

  /** The place goes to the call that has waited longest, so that none overtakes it. */
  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
