import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** How long calls took, in milliseconds, since the saver was made. */
export interface LatencyStats {
  /** Calls that ended well. */
  readonly count: number;
  /** Calls that threw. Their times do not count. */
  readonly failures: number;
  /** The average. */
  readonly meanMs: number;
  /** Half of the calls took at most this long. */
  readonly p50Ms: number;
  /** 95 % of the calls took at most this long. */
  readonly p95Ms: number;
  /** 99 % of the calls took at most this long. */
  readonly p99Ms: number;
  /** The longest. */
  readonly maxMs: number;
}

/** Two digits are exact: a histogram then takes 30 KB, however many calls there are. */
const FIGURES = 2;

/** Longer calls count as this long. */
const HIGHEST_US = 3_600_000_000;

/** So many times are kept as they are. A saver that is made for one request needs no histogram. */
const FEW = 32;

/** The times of one kind of call, in constant memory. */
export class Latencies {
  #failures = 0;
  #few: number[] = [];
  #histogram: RecordableHistogram | undefined;

  record(durationMs: number): void {
    const us = Math.min(Math.max(Math.round(durationMs * 1_000), 1), HIGHEST_US);
    if (this.#histogram !== undefined) {
      this.#histogram.record(us);
      return;
    }
    this.#few.push(us);
    if (this.#few.length === FEW) this.#fill();
  }

  recordFailure(): void {
    this.#failures += 1;
  }

  get stats(): LatencyStats {
    const failures = this.#failures;
    if (this.#histogram === undefined && this.#few.length > 0) this.#fill();
    const histogram = this.#histogram;
    if (histogram === undefined) {
      return { count: 0, failures, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };
    }
    const percentile = (share: number): number => histogram.percentile(share) / 1_000;
    return {
      count: histogram.count,
      failures,
      meanMs: histogram.mean / 1_000,
      p50Ms: percentile(50),
      p95Ms: percentile(95),
      p99Ms: percentile(99),
      maxMs: histogram.max / 1_000,
    };
  }

  #fill(): void {
    this.#histogram = createHistogram({ lowest: 1, highest: HIGHEST_US, figures: FIGURES });
    for (const us of this.#few) this.#histogram.record(us);
    this.#few = [];
  }
}
