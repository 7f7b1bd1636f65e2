import * as fc from "fast-check";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { paceBatches } from "./paced-batches.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Sizes of the batches, if each takes so long. */
async function listSizes(count: number, takeMs: (size: number) => number): Promise<number[]> {
  const sizes: number[] = [];
  for await (const { length } of paceBatches(numbers(count))) {
    sizes.push(length);
    await sleep(takeMs(length));
  }
  return sizes;
}

describe("paced batches", () => {
  it("hold all items once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3_000), async (count) => {
        const all: number[] = [];
        for await (const batch of paceBatches(numbers(count))) all.push(...batch);
        expect(all).toEqual(numbers(count));
      }),
      { numRuns: 10 },
    );
  });

  it("become large on a server that is fast, and on one that is far away", async () => {
    expect(Math.max(...(await listSizes(2_000, () => 0)))).toBe(256);
    expect(Math.max(...(await listSizes(2_000, () => 20)))).toBeGreaterThanOrEqual(128);
  });

  it("stay small where each item takes long", async () => {
    const sizes = await listSizes(400, (size) => size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
  });
});
