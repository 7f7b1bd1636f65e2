const PROBE_MS = 1;

/** What came of watched work, and for how long at most it kept the event loop from its next turn. */
export interface Watched<Result> {
  readonly result: Result;
  readonly longestMs: number;
}

/**
 * Does something and watches for how long it keeps the event loop from its next turn, by a timer that
 * goes off each millisecond. Errors are those of the work.
 */
export async function watchEventLoop<Result>(
  work: () => Promise<Result>,
): Promise<Watched<Result>> {
  let longestMs = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - PROBE_MS);
    last = now;
  };
  const timer = setInterval(look, PROBE_MS);
  try {
    const result = await work();
    // What ran last has not been seen yet.
    look();
    return { result, longestMs };
  } finally {
    clearInterval(timer);
  }
}
