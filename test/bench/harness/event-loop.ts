const PROBE_MS = 1;

/**
 * Watches how long other work keeps the event loop from its next turn, by a timer that goes off each
 * millisecond.
 *
 * @example
 * ```ts
 * const watch = watchEventLoop();
 * await work();
 * const longestMs = watch.stop();
 * ```
 */
export function watchEventLoop(): { stop(): number } {
  let longestMs = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - PROBE_MS);
    last = now;
  };
  const timer = setInterval(look, PROBE_MS);
  return {
    stop() {
      clearInterval(timer);
      // What ran last has not been seen yet.
      look();
      return longestMs;
    },
  };
}
