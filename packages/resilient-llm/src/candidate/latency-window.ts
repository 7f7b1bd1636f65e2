/** Latencies that are kept of a candidate. */
export const LATENCY_WINDOW_SIZE = 100;
/** With fewer latencies than this, too little is known about the slow ones. */
const COLD_START_SAMPLES = 10;

/** The last 100 latencies of one candidate, in ms. */
export class LatencyWindow {
  readonly #samples = new Float64Array(LATENCY_WINDOW_SIZE);
  #length = 0;
  #position = 0;

  /** Adds a latency in place of the oldest. */
  add(latencyMs: number): void {
    this.#samples[this.#position] = latencyMs;
    this.#position = (this.#position + 1) % LATENCY_WINDOW_SIZE;
    if (this.#length < LATENCY_WINDOW_SIZE) this.#length += 1;
  }

  /** Forgets everything known for `latenciesMs`, oldest first. */
  replace(latenciesMs: readonly number[]): void {
    const latest = latenciesMs.slice(-LATENCY_WINDOW_SIZE);
    this.#samples.set(latest);
    this.#length = latest.length;
    this.#position = latest.length % LATENCY_WINDOW_SIZE;
  }

  /** Whether enough latencies are known to say something about the slow ones. */
  get isWarm(): boolean {
    return this.#length >= COLD_START_SAMPLES;
  }

  /** Whether each further latency displaces another one. */
  get isFull(): boolean {
    return this.#length === LATENCY_WINDOW_SIZE;
  }

  /** The mean latency. `undefined`: none is known. */
  get meanMs(): number | undefined {
    if (this.#length === 0) return undefined;
    return this.#known().reduce((sum, sample) => sum + sample, 0) / this.#length;
  }

  /** The latency that a share of `quantile` (0 to 1) stays below. `undefined`: fewer than ten are known. */
  quantileMs(quantile: number): number | undefined {
    if (!this.isWarm) return undefined;
    const rank = Math.max(0, Math.ceil(this.#length * quantile) - 1);
    return this.#known().toSorted()[rank];
  }

  #known(): Float64Array {
    return this.#samples.subarray(0, this.#length);
  }
}
