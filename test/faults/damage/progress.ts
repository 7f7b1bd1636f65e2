import type { Result } from "./damage-threads.ts";

const REPORT_EVERY_MS = 10_000;

/** Says how far the mutations of a variant are, and which of them took the longest. */
export class Progress {
  private readonly variant: string;
  private readonly total: number;
  private readonly startMs = performance.now();
  private done = 0;
  private reportedMs = performance.now();
  private slowest: Result | undefined;

  /**
   * @param total mutations that are made
   * @param all that there are
   */
  constructor(variant: string, total: number, all: number) {
    this.variant = variant;
    this.total = total;
    console.error(`${variant}: ${total} of ${all} mutations`);
  }

  take(result: Result): void {
    this.done += 1;
    if (result.seconds > (this.slowest?.seconds ?? 0)) this.slowest = result;
    if (performance.now() - this.reportedMs < REPORT_EVERY_MS) return;
    this.reportedMs = performance.now();
    console.error(`${this.variant}: ${this.done} of ${this.total} in ${this.seconds} s`);
  }

  end(): void {
    const { mutation, seconds } = this.slowest ?? {};
    const slowest =
      mutation === undefined
        ? ""
        : `; the slowest took ${seconds!.toFixed(1)} s (${mutation.kind}, ${mutation.field}, ${mutation.what})`;
    console.error(`${this.variant}: ${this.done} in ${this.seconds} s${slowest}`);
  }

  private get seconds(): string {
    return ((performance.now() - this.startMs) / 1_000).toFixed(0);
  }
}
