/**
 * Where time comes from. Everything in this package that waits or measures does it through a clock,
 * so tests can compress minutes into milliseconds.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; never goes back. */
  now(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** Node's timers reach no further than 2^31 - 1 ms; longer delays would fire at once. */
const maximumTimerMs = 2_147_483_647;

/** Read once: the getter costs more than the clock itself. */
const { timeOrigin } = performance;

/** The machine's clock. Monotonic: setting the wall clock back doesn't move it. */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), maximumTimerMs));
    return () => clearTimeout(timer);
  },
};
