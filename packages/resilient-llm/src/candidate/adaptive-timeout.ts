/** How a time limit follows the latencies seen. */
export type AdaptiveStrategy = "quantile" | "mean";

/** Bounds of an adaptive limit, in ms. */
export interface AdaptiveBounds {
  /** Never shorter than this. */
  readonly floorMs: number;
  /** Never longer than this; also the limit until enough latencies are known. */
  readonly ceilingMs: number;
}

/** Latencies kept per candidate. */
const windowSize = 100;
/** With a full window the limit is worked out anew after this many latencies, and after a timeout. */
const refreshInterval = 10;
/** Fewer latencies than this say too little about the slow ones. */
const coldStartSamples = 10;
/** A timeout says the latency was longer than the limit; this is how much longer we take it to be. */
const censoredFactor = 2;
const quantile = 0.99;
const quantileHeadroom = 2;
const meanBufferMs = 5000;
const meanBaseMs = 60_000;
const meanMaximumMs = 300_000;

/**
 * A time limit that follows the last 100 latencies of one candidate.
 *
 * - `quantile`: twice the 99th percentile, from 10 samples on.
 * - `mean`: the classic `mean × 2 + 5 s`, at most 300 s, and 60 s until samples are there.
 *
 * An attempt that ran into the limit counts as a sample of twice the limit: leaving it out would let
 * the limit shrink exactly when the provider gets slower.
 */
export class AdaptiveTimeout {
  readonly #strategy: AdaptiveStrategy;
  readonly #bounds: AdaptiveBounds;
  readonly #samples: number[] = [];
  #position = 0;
  #limitMs: number | undefined;
  #unseen = 0;

  constructor(strategy: AdaptiveStrategy, bounds: AdaptiveBounds) {
    this.#strategy = strategy;
    this.#bounds = bounds;
  }

  /** The limit for the next attempt, in ms. */
  get limitMs(): number {
    this.#limitMs ??= Math.min(
      this.#bounds.ceilingMs,
      Math.max(this.#bounds.floorMs, this.#estimate()),
    );
    return this.#limitMs;
  }

  /** Books a latency that was measured to its end. */
  record(latencyMs: number): void {
    this.#samples[this.#position] = latencyMs;
    this.#position = (this.#position + 1) % windowSize;
    this.#unseen += 1;
    // Sorting a full window at every call buys nothing: one more sample hardly moves the limit.
    if (this.#samples.length < windowSize || this.#unseen >= refreshInterval) this.#refresh();
  }

  /** Books an attempt that was given up after `limitMs`. */
  recordTimeout(limitMs: number): void {
    this.record(limitMs * censoredFactor);
    this.#refresh();
  }

  #refresh(): void {
    this.#limitMs = undefined;
    this.#unseen = 0;
  }

  #estimate(): number {
    const count = this.#samples.length;
    if (this.#strategy === "mean") {
      if (count === 0) return meanBaseMs;
      const mean = this.#samples.reduce((sum, sample) => sum + sample, 0) / count;
      return Math.min(meanMaximumMs, mean * 2 + meanBufferMs);
    }
    if (count < coldStartSamples) return this.#bounds.ceilingMs;
    const sorted = this.#samples.toSorted((left, right) => left - right);
    const rank = Math.min(count - 1, Math.ceil(count * quantile) - 1);
    return (sorted[rank] ?? 0) * quantileHeadroom;
  }
}
