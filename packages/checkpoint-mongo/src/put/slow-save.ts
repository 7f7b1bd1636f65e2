import { measureSince, type Moment } from "../memory/elapsed.ts";

/**
 * A save that took this long may have met both sweeps that remove an orphaned segment between
 * storing its segments and referring to them: sweeps are at least 600 s apart for one segment.
 */
const SLOW_MS = 60_000;

/** Whether a save that began then must store its segments once more before it returns. */
export function isSlow(started: Moment): boolean {
  return measureSince(started) > SLOW_MS;
}
