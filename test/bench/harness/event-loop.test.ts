import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { watchEventLoop } from "./event-loop.ts";

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("the watch over the event loop", () => {
  it("sees the longest time for which nothing else ran, first, in the middle or last", async () => {
    for (const [before, between, after] of [
      [60, 0, 0],
      [0, 60, 0],
      [0, 0, 60],
    ] as const) {
      const { longestMs } = await watchEventLoop(async () => {
        block(before);
        await sleep(10);
        block(between);
        await sleep(10);
        block(after);
      });
      expect(longestMs).toBeGreaterThanOrEqual(59);
    }
  });

  it("gives the work's result, and its error with no timer left behind", async () => {
    const { result } = await watchEventLoop(() => Promise.resolve("done"));
    expect(result).toBe("done");
    const count = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = count();
    await expect(watchEventLoop(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(count()).toBe(before);
  });
});
