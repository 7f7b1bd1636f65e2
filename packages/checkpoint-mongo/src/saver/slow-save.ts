/**
 * A save that took this long may have met both sweeps that remove an orphaned segment between
 * storing its segments and referring to them: sweeps are at least 600 s apart for one segment.
 */
const SLOW_MS = 60_000;

/**
 * Whether a save that began then must store its segments once more before it returns.
 *
 * @param startedMs by `performance.now()`, which nobody sets
 */
export function isSlow(startedMs: number): boolean {
  return performance.now() - startedMs > SLOW_MS;
}
