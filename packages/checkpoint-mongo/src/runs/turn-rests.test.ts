import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TurnRests } from "./turn-rests.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => vi.useRealTimers());

const run = (id: string, token: number, wakeAtMs = 0) =>
  ({ _id: id, token, status: "queued", wake_at: new Date(wakeAtMs) }) as const;

it("a run that nobody takes is handed over again after 5 s, then after twice as long each time, a minute at most", () => {
  const rests = new TurnRests();
  for (const seconds of [5, 10, 20, 40, 60, 60]) {
    rests.addDispatched(run("a", 1));
    vi.advanceTimersByTime(seconds * 1_000 - 1);
    expect(rests.has(run("a", 1))).toBe(true);
    vi.advanceTimersByTime(1);
    expect(rests.has(run("a", 1))).toBe(false);
  }
});

it("a run that was taken is not left alone in its next turn", () => {
  const rests = new TurnRests();
  rests.addDispatched(run("a", 1));
  expect(rests.has(run("a", 2))).toBe(false);
});

it("what is not found where it would stand has been taken, and is forgotten", () => {
  const rests = new TurnRests();
  const all = [run("a", 1, 10), run("b", 1, 20), run("c", 1, 30)];
  for (const one of all) rests.addDispatched(one);
  // So many were asked for: "c" may stand behind the last one.
  rests.forgetTaken([all[1]!], false);
  expect(all.map((one) => rests.has(one))).toEqual([false, true, true]);
  rests.forgetTaken([all[1]!], true);
  expect(all.map((one) => rests.has(one))).toEqual([false, true, false]);
  expect([rests.size, rests.count(), rests.firstEndMs]).toEqual([1, 1, 5_000]);
});
