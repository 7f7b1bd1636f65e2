import type { LatencyStore } from "../options/latency-store.ts";
import type { AdaptiveStrategy } from "../options/resilient-chat-model-options.ts";
import { LatencySync } from "./latency-sync.ts";
import { LatencyWindow } from "./latency-window.ts";

/** Bounds of an adaptive limit, in ms. */
export interface AdaptiveBounds {
  /** Never shorter than this. */
  readonly floorMs: number;
  /** Never longer than this. Also the limit until enough latencies are known. */
  readonly ceilingMs: number;
}

/** With a full window the limit is computed again after this many latencies, and after a timeout. */
const REFRESH_INTERVAL = 10;
/** An attempt that was given up counts as a latency of this many times its time limit. */
const CENSORED_FACTOR = 2;
const SLOW_QUANTILE = 0.99;
const QUANTILE_HEADROOM = 2;
const MEAN_BUFFER_MS = 5000;
const MEAN_BASE_MS = 60_000;
const MEAN_MAXIMUM_MS = 300_000;

/**
 * A time limit that follows the last 100 latencies of one candidate.
 *
 * - `quantile`: twice the 99th percentile, from 10 samples on.
 * - `mean`: `mean × 2 + 5 s`, at most 300 s, and 60 s until the first sample.
 *
 * An attempt that was given up counts as a latency of twice the time it had. Without it the limit
 * would shrink exactly when the provider gets slower.
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

  /** Exchanges latencies with the store in the background, if there is one and an exchange is due. */
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

  /** The latency that a share of `quantile` (0 to 1) stays below. `undefined`: fewer than ten are known. */
  quantileMs(quantile: number): number | undefined {
    return this.#window.quantileMs(quantile);
  }

  /** Books the latency of an attempt that got what it waited for. */
  record(latencyMs: number): void {
    this.#window.add(latencyMs);
    this.#sync?.add(latencyMs);
    this.#unseen += 1;
    // Sorting a full window for every call is of no use: one more sample hardly moves the limit.
    if (!this.#window.isFull || this.#unseen >= REFRESH_INTERVAL) this.#refresh();
  }

  /** Books an attempt that was given up after `latencyMs`. */
  recordCensored(latencyMs: number): void {
    this.record(latencyMs * CENSORED_FACTOR);
    this.#refresh();
  }

  #refresh(): void {
    this.#limitMs = undefined;
    this.#unseen = 0;
  }

  #estimate(): number {
    if (this.#strategy === "mean") {
      const { meanMs } = this.#window;
      if (meanMs === undefined) return MEAN_BASE_MS;
      return Math.min(MEAN_MAXIMUM_MS, meanMs * 2 + MEAN_BUFFER_MS);
    }
    const slowMs = this.#window.quantileMs(SLOW_QUANTILE);
    return slowMs === undefined ? this.#bounds.ceilingMs : slowMs * QUANTILE_HEADROOM;
  }
}
