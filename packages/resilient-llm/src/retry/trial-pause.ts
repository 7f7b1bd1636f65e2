/** A trial comes after this many times as long as the last failed attempt took. */
const PAUSE_FACTOR = 10;
/** The shortest pause. An endpoint that refuses at once costs one quick request in this time. */
const SHORTEST_PAUSE_MS = 5000;

/**
 * How long to wait until an endpoint that failed is tried again, in ms. Trials take at most a tenth of
 * the time: one that refuses at once is tried often, and one that hangs seldom.
 */
export function computeTrialPauseMs(failedAfterMs: number, longestMs: number): number {
  return Math.min(longestMs, Math.max(SHORTEST_PAUSE_MS, failedAfterMs * PAUSE_FACTOR));
}
