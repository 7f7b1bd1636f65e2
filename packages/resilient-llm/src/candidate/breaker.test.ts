import { expect, it } from "vitest";
import type { BreakerState } from "../events/events.ts";
import { Breaker } from "./breaker.ts";

function createBreaker() {
  const states: BreakerState[] = [];
  const breaker = new Breaker(
    { threshold: 0.5, windowSize: 4, minimumAttempts: 4, openMs: 1000 },
    (state) => states.push(state),
  );
  return { breaker, states };
}

function failTimes(breaker: Breaker, times: number, nowMs: number): void {
  for (let failure = 0; failure < times; failure += 1) {
    breaker.fail(nowMs, breaker.begin(), 1000);
  }
}

it("opens when more than the threshold of the window failed, not before the minimum", () => {
  const { breaker, states } = createBreaker();
  failTimes(breaker, 3, 0);
  expect(breaker.permits(0)).toBe(true);
  failTimes(breaker, 1, 0);
  expect(breaker.permits(0)).toBe(false);
  expect(states).toEqual(["open"]);
});

it("permits one probe when its time is up; success closes it, failure starts the time again", () => {
  const { breaker, states } = createBreaker();
  failTimes(breaker, 4, 0);
  expect(breaker.permits(999)).toBe(false);
  expect(breaker.permits(1000)).toBe(true);
  const isProbe = breaker.begin();
  expect(breaker.permits(1000)).toBe(false);
  breaker.fail(1100, isProbe, 1000);
  expect(breaker.permits(2000)).toBe(false);
  expect(breaker.permits(2100)).toBe(true);
  breaker.begin();
  breaker.succeed();
  expect(breaker.permits(2100)).toBe(true);
  expect(states).toEqual(["open", "half-open", "open", "half-open", "closed"]);
});

it("a probe that says nothing leaves room for the next", () => {
  const { breaker } = createBreaker();
  failTimes(breaker, 4, 0);
  breaker.release(breaker.begin());
  expect(breaker.permits(1000)).toBe(true);
});

it("attempts from before it opened neither end a probe nor start the time again", () => {
  const { breaker, states } = createBreaker();
  const early = breaker.begin();
  failTimes(breaker, 4, 0);
  expect(breaker.begin()).toBe(true);
  breaker.release(early);
  breaker.fail(500, early, 1000);
  expect(breaker.permits(5000)).toBe(false);
  expect(states).toEqual(["open", "half-open"]);
});

it("the next probe comes ten times as long after an attempt as that took to fail, from 5 s to openMs", () => {
  const options = { threshold: 0.5, windowSize: 1, minimumAttempts: 1, openMs: 30_000 };
  const breaker = new Breaker(options, () => {});
  breaker.fail(0, breaker.begin(), 50);
  expect(breaker.probeDueAtMs).toBe(5000);
  breaker.fail(5000, breaker.begin(), 50);
  expect(breaker.probeDueAtMs).toBe(10_000);
  breaker.fail(10_000, breaker.begin(), 2000);
  expect(breaker.probeDueAtMs).toBe(30_000);
  breaker.fail(30_000, breaker.begin(), 10_000);
  expect(breaker.probeDueAtMs).toBe(60_000);
});
