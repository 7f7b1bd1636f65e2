import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { AdaptiveStrategy } from "../options/resilient-chat-model-options.ts";
import { AdaptiveTimeout } from "./adaptive-timeout.ts";

const BOUNDS = { floorMs: 1000, ceilingMs: 60_000 };

function repeat(times: number, latencyMs: number): number[] {
  return Array.from({ length: times }, () => latencyMs);
}

function limitAfter(strategy: AdaptiveStrategy, samples: readonly number[]): number {
  const timeout = new AdaptiveTimeout(strategy, BOUNDS);
  for (const sample of samples) timeout.record(sample, 1);
  return timeout.limitFor(1);
}

it("the limit is the ceiling until ten latencies are known", () => {
  expect(limitAfter("quantile", repeat(9, 2000))).toBe(60_000);
  expect(limitAfter("quantile", repeat(10, 2000))).toBe(4000);
});

it("the quantile follows the slow ones of the last hundred, not older ones", () => {
  expect(limitAfter("quantile", [...repeat(98, 1000), 9000, 9000])).toBe(18_000);
  expect(limitAfter("quantile", [...repeat(50, 9000), ...repeat(100, 1000)])).toBe(2000);
});

it("the mean strategy is mean × 2 + 5 s, and 60 s before the first latency", () => {
  expect(limitAfter("mean", [])).toBe(60_000);
  expect(limitAfter("mean", [1000, 3000])).toBe(9000);
});

it("a timeout raises the limit: it counts as a latency of twice the limit", () => {
  const timeout = new AdaptiveTimeout("quantile", BOUNDS);
  for (let sample = 0; sample < 100; sample += 1) timeout.record(1000, 1);
  const before = timeout.limitFor(1);
  timeout.recordCensored(before, 1);
  timeout.recordCensored(before, 1);
  expect(timeout.limitFor(1)).toBeGreaterThan(before);
});

it("the limit never leaves its BOUNDS", () => {
  const latency = fc.double({ min: 0, max: 1e7, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(latency, { maxLength: 250 }),
      fc.constantFrom("quantile", "mean"),
      (samples, strategy) => {
        const limit = limitAfter(strategy, samples);
        expect(limit).toBeGreaterThanOrEqual(BOUNDS.floorMs);
        expect(limit).toBeLessThanOrEqual(BOUNDS.ceilingMs);
      },
    ),
  );
});

it("the limit grows with the request, and is the ceiling for one that is larger by far than any before", () => {
  const timeout = new AdaptiveTimeout("quantile", { floorMs: 0, ceilingMs: 1e6 });
  for (let sample = 0; sample < 60; sample += 1) timeout.record(500, 2);
  expect(timeout.limitFor(2)).toBe(1000);
  expect(timeout.limitFor(8)).toBe(4000);
  expect(timeout.limitFor(9)).toBe(1e6);
  timeout.record(5000, 20);
  expect(timeout.limitFor(17)).toBe(8500);
});
