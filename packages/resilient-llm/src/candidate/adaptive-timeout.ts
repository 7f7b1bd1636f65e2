import type { LatencyStore } from "../options/latency-store.ts";
import type { AdaptiveStrategy } from "../options/resilient-chat-model-options.ts";
import { LatencySync } from "./latency-sync.ts";
import { LatencyWindow } from "./latency-window.ts";

/** Bounds of an adaptive limit, in ms. */
export interface AdaptiveBounds {
  /** Never shorter than this. */
  readonly floorMs: number;
  /** Never longer than this; also the limit until enough latencies are known. */
  readonly ceilingMs: number;
}

/** With a full window the limit is worked out anew after this many latencies, and after a timeout. */
const refreshInterval = 10;
/** An attempt given up says only that its latency was longer; this is how much longer we take it to be. */
const censoredFactor = 2;
const slowQuantile = 0.99;
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
 * An attempt that was given up counts as a sample of twice the time it had: leaving it out would let
 * the limit shrink exactly when the provider gets slower.
 */
export class AdaptiveTimeout {
  readonly #strategy: AdaptiveStrategy;
  readonly #bounds: AdaptiveBounds;
  readonly #window = new LatencyWindow();
  #sync: LatencySync | undefined;
  #limitMs: number | undefined;
  #unseen = 0;

  constructor(strategy: AdaptiveStrategy, bounds: AdaptiveBounds) {
    this.#strategy = strategy;
    this.#bounds = bounds;
  }

  /** Shares the latencies through `store` from now on. `onError` is told about every failed exchange. */
  share(store: LatencyStore, key: string, onError: (error: unknown) => void): void {
    this.#sync = new LatencySync(store, key, this.#window, () => this.#refresh(), onError);
  }

  /** Exchanges latencies with the store in the background, if there is one and it's time. */
  touch(nowMs: number): void {
    this.#sync?.touch(nowMs);
  }

  /** The limit for the next attempt, in ms. */
  get limitMs(): number {
    this.#limitMs ??= Math.min(
      this.#bounds.ceilingMs,
      Math.max(this.#bounds.floorMs, this.#estimate()),
    );
    return this.#limitMs;
  }

  /** The latency that a share of `quantile` (0 to 1) stays below; `undefined` before ten are known. */
  quantileMs(quantile: number): number | undefined {
    return this.#window.quantileMs(quantile);
  }

  /** Books a latency that was measured to its end. */
  record(latencyMs: number): void {
    this.#window.add(latencyMs);
    this.#sync?.add(latencyMs);
    this.#unseen += 1;
    // Sorting a full window at every call buys nothing: one more sample hardly moves the limit.
    if (!this.#window.isFull || this.#unseen >= refreshInterval) this.#refresh();
  }

  /** Books an attempt that was given up after `latencyMs`. */
  recordCensored(latencyMs: number): void {
    this.record(latencyMs * censoredFactor);
    this.#refresh();
  }

  #refresh(): void {
    this.#limitMs = undefined;
    this.#unseen = 0;
  }

  #estimate(): number {
    if (this.#strategy === "mean") {
      const { meanMs } = this.#window;
      if (meanMs === undefined) return meanBaseMs;
      return Math.min(meanMaximumMs, meanMs * 2 + meanBufferMs);
    }
    const slowMs = this.#window.quantileMs(slowQuantile);
    return slowMs === undefined ? this.#bounds.ceilingMs : slowMs * quantileHeadroom;
  }
}
