import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Latencies } from "./latencies.ts";

describe("latencies", () => {
  it("are within 1 % of those by the sorted times, for few and for many calls", () => {
    const times = fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(times, (all) => {
        const latencies = new Latencies();
        for (const ms of all) latencies.record(ms);
        const sorted = all.toSorted((a, b) => a - b);
        const { count, p50Ms, p95Ms, p99Ms, maxMs } = latencies.stats;
        expect(count).toBe(all.length);
        for (const [found, share] of [
          [p50Ms, 0.5],
          [p95Ms, 0.95],
          [p99Ms, 0.99],
          [maxMs, 1],
        ] as const) {
          // Whether the rank is rounded up or down makes a difference of one call.
          const rank = Math.ceil(share * sorted.length) - 1;
          const least = sorted[Math.max(0, share === 1 ? rank : rank - 1)]!;
          expect(found).toBeGreaterThanOrEqual(0.99 * least - 0.002);
          expect(found).toBeLessThanOrEqual(1.01 * sorted[rank]! + 0.002);
        }
      }),
    );
  });

  it("count failures apart, and take times that no clock should give", () => {
    const latencies = new Latencies();
    for (const ms of [-5, 0, 1e12]) latencies.record(ms);
    latencies.recordFailure();
    expect(latencies.stats).toMatchObject({ count: 3, failures: 1 });
  });
});
