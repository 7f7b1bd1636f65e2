/** Latencies kept per candidate. */
export const latencyWindowSize = 100;
/** Fewer latencies than this say too little about the slow ones. */
const coldStartSamples = 10;

/** The last 100 latencies of one candidate, in ms. */
export class LatencyWindow {
  #samples: number[] = [];
  #position = 0;

  /** Adds a latency in place of the oldest. */
  add(latencyMs: number): void {
    this.#samples[this.#position] = latencyMs;
    this.#position = (this.#position + 1) % latencyWindowSize;
  }

  /** Puts `latenciesMs`, oldest first, in place of everything known. */
  replace(latenciesMs: readonly number[]): void {
    this.#samples = latenciesMs.slice(-latencyWindowSize);
    this.#position = this.#samples.length % latencyWindowSize;
  }

  get isFull(): boolean {
    return this.#samples.length === latencyWindowSize;
  }

  /** `undefined` while there is none. */
  get meanMs(): number | undefined {
    const { length } = this.#samples;
    return length === 0
      ? undefined
      : this.#samples.reduce((sum, sample) => sum + sample, 0) / length;
  }

  /** The latency that a share of `quantile` (0 to 1) stays below; `undefined` before ten are known. */
  quantileMs(quantile: number): number | undefined {
    const { length } = this.#samples;
    if (length < coldStartSamples) return undefined;
    // Sorts numbers as numbers, and without a function to compare them.
    const sorted = Float64Array.from(this.#samples).toSorted();
    return sorted[Math.max(0, Math.ceil(length * quantile) - 1)];
  }
}
