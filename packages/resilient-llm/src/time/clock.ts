/**
 * The source of time. Everything in this package that waits or measures uses a clock, so that tests can
 * run minutes in milliseconds.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. Never goes back. */
  now(): number;
  /** Calls `callback` once after `delayMs` milliseconds. The returned function cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** The longest delay of a timer in Node.js. A longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Read once: the getter costs more than the clock itself. */
const { timeOrigin } = performance;

/** The machine's clock. It is monotonic: setting the wall clock back does not move it. */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
