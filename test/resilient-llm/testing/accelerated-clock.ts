import { systemClock, type Clock } from "../../../packages/resilient-llm/src/time/clock.ts";

/** A clock on which time passes `factor` times faster than it does. */
export function createAcceleratedClock(factor: number): Clock {
  const startedAtMs = systemClock.now();
  return {
    now: () => startedAtMs + (systemClock.now() - startedAtMs) * factor,
    setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / factor),
  };
}
