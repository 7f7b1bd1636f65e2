/** Latencies kept per candidate. */
export const latencyWindowSize = 100;
/** Fewer latencies than this say too little about the slow ones. */
const coldStartSamples = 10;

/** The last 100 latencies of one candidate, in ms. */
export class LatencyWindow {
  readonly #samples = new Float64Array(latencyWindowSize);
  #length = 0;
  #position = 0;

  /** Adds a latency in place of the oldest. */
  add(latencyMs: number): void {
    this.#samples[this.#position] = latencyMs;
    this.#position = (this.#position + 1) % latencyWindowSize;
    if (this.#length < latencyWindowSize) this.#length += 1;
  }

  /** Puts `latenciesMs`, oldest first, in place of everything known. */
  replace(latenciesMs: readonly number[]): void {
    const latest = latenciesMs.slice(-latencyWindowSize);
    this.#samples.set(latest);
    this.#length = latest.length;
    this.#position = latest.length % latencyWindowSize;
  }

  get isFull(): boolean {
    return this.#length === latencyWindowSize;
  }

  /** `undefined` while there is none. */
  get meanMs(): number | undefined {
    if (this.#length === 0) return undefined;
    return this.#known().reduce((sum, sample) => sum + sample, 0) / this.#length;
  }

  /** The latency that a share of `quantile` (0 to 1) stays below; `undefined` before ten are known. */
  quantileMs(quantile: number): number | undefined {
    if (this.#length < coldStartSamples) return undefined;
    const rank = Math.max(0, Math.ceil(this.#length * quantile) - 1);
    return this.#known().toSorted()[rank];
  }

  #known(): Float64Array {
    return this.#samples.subarray(0, this.#length);
  }
}
