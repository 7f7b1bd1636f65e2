import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { breather } from "./breather.ts";

/** Does nothing for so long; as work, it is enough to look at the clock. */
function work(ms: number): number {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
  return 100_000;
}

it("what does little never rests, however long ago the event loop had its last turn", async () => {
  await turn();
  work(20);
  for (let index = 0; index < 100; index += 1) expect(breather.isDue(10)).toBe(false);
});

it("a long computation rests after some milliseconds, and then continues for as long", async () => {
  await turn();
  const lengthsMs: number[] = [];
  for (let rests = 0, sinceMs = performance.now(); rests < 5;) {
    if (!breather.isDue(work(0.2))) continue;
    lengthsMs.push(performance.now() - sinceMs);
    await breather.rest();
    sinceMs = performance.now();
    rests += 1;
  }
  // The machine may take the processor away meanwhile, but not every time.
  expect(Math.min(...lengthsMs)).toBeGreaterThan(3);
  expect(Math.min(...lengthsMs)).toBeLessThan(12);
});

it("of many long computations, each turn of the event loop has a piece of one", async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  let pieces = 0;
  const compute = async (): Promise<void> => {
    for (let index = 0; index < 5; index += 1) {
      await breather.rest();
      pieces += 1;
      expect(pieces).toBeLessThanOrEqual(turns + 1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, compute));
  isOver = true;
  expect(pieces).toBe(100);
});
