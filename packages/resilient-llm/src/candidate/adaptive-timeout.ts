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
/** For a request more than this many times as large as any answered so far, the duration is unknown. */
const FURTHEST_GUESS = 4;
const SLOW_QUANTILE = 0.99;
const QUANTILE_HEADROOM = 2;
const MEAN_BUFFER_MS = 5000;
const MEAN_BASE_MS = 60_000;
const MEAN_MAXIMUM_MS = 300_000;

/**
 * A time limit that follows the last 100 latencies of one candidate. It knows what is asked: a latency is
 * kept scaled to a request of size 1, and a limit is scaled to the size of the request it is for. So
 * short answers say how long a longer one may take. One that is larger by far has the ceiling.
 *
 * - `quantile`: twice the 99th percentile, from 10 samples on.
 * - `mean`: `mean × 2 + 5 s`, at most 300 s, and 60 s until the first sample.
 *
 * An attempt that was given up counts as a latency of twice the time it had. Without it the limit
 * would shrink exactly when the provider gets slower.
 */
export class AdaptiveTimeout {
  readonly #strategy: AdaptiveStrategy | false;
  readonly #floorMs: number;
  #ceilingMs: number;
  readonly #window = new LatencyWindow();
  #sync: LatencySync | undefined;
  /** The slowest latency to reckon with, at size 1. `undefined`: to be computed; `null`: not known. */
  #slowMs: number | null | undefined;
  /** The median latency at size 1. `undefined`: to be computed. */
  #usualMs: number | undefined;
  #largestSize = 0;
  #unseen = 0;

  /** @param strategy `false`: the limit is always the ceiling, and only the latencies are kept. */
  constructor(strategy: AdaptiveStrategy | false, { ceilingMs, floorMs }: AdaptiveBounds) {
    this.#strategy = strategy;
    this.#floorMs = floorMs;
    this.#ceilingMs = ceilingMs;
  }

  /** No limit is longer, in ms. */
  get ceilingMs(): number {
    return this.#ceilingMs;
  }

  /** From now on the ceiling is no lower than `ceilingMs`. */
  raiseCeiling(ceilingMs: number): void {
    this.#ceilingMs = Math.max(this.#ceilingMs, ceilingMs);
  }

  /** Shares the latencies through `store` from now on. `onError` is told about every failed exchange. */
  share(store: LatencyStore, key: string, onError: (error: unknown) => void): void {
    this.#sync = new LatencySync(store, key, this.#window, () => this.#refresh(), onError);
  }

  /** Exchanges latencies with the store in the background, if there is one and an exchange is due. */
  touch(nowMs: number): void {
    this.#sync?.touch(nowMs);
  }

  /** Enough latencies are known for a quantile. */
  get isWarm(): boolean {
    return this.#window.isWarm;
  }

  /** The limit for an attempt of this size, in ms. */
  limitFor(size: number): number {
    if (this.#strategy === false) return this.#ceilingMs;
    return Math.min(this.#ceilingMs, Math.max(this.#floorMs, this.#estimate(size)));
  }

  /** The median latency of requests of this size, in ms. While too few are known, the ceiling. */
  usualFor(size: number): number {
    this.#usualMs ??= this.#window.quantileMs(0.5) ?? Infinity;
    return Math.min(this.#ceilingMs, this.#usualMs * size);
  }

  /**
   * The latency that a share of `quantile` (0 to 1) stays below, for a request of this size, in ms.
   * `undefined`: fewer than ten are known.
   */
  quantileMs(quantile: number, size: number): number | undefined {
    const scaledMs = this.#window.quantileMs(quantile);
    return scaledMs === undefined ? undefined : scaledMs * size;
  }

  /** Books the latency of an attempt of this size that got what it waited for. */
  record(latencyMs: number, size: number): void {
    const scaledMs = latencyMs / size;
    this.#largestSize = Math.max(this.#largestSize, size);
    this.#window.add(scaledMs);
    this.#sync?.add(scaledMs);
    this.#unseen += 1;
    // Sorting a full window for every call is not worth it: one more sample hardly moves the limit.
    if (!this.#window.isFull || this.#unseen >= REFRESH_INTERVAL) this.#refresh();
  }

  /** Books an attempt of this size that was given up after `latencyMs`. */
  recordCensored(latencyMs: number, size: number): void {
    this.record(latencyMs * CENSORED_FACTOR, size);
    this.#refresh();
  }

  #refresh(): void {
    this.#slowMs = undefined;
    this.#usualMs = undefined;
    this.#unseen = 0;
  }

  #estimate(size: number): number {
    this.#slowMs ??=
      (this.#strategy === "mean" ? this.#window.meanMs : this.#window.quantileMs(SLOW_QUANTILE)) ??
      null;
    const slowMs = this.#slowMs;
    if (this.#strategy === "mean") {
      if (slowMs === null) return MEAN_BASE_MS;
      return Math.min(MEAN_MAXIMUM_MS, slowMs * size * 2 + MEAN_BUFFER_MS);
    }
    // What small requests take may all be overhead, and says little about one that is much larger.
    const isKnown = slowMs !== null && size <= this.#largestSize * FURTHEST_GUESS;
    return !isKnown ? Infinity : slowMs * size * QUANTILE_HEADROOM;
  }
}
