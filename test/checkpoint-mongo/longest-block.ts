/** What was measured while something ran. */
export interface Measured<T> {
  readonly result: T;
  /** The longest time for which the event loop served nothing else. */
  readonly longestBlockMs: number;
}

/**
 * Measures for how long the event loop was kept from everything else while something ran, from
 * the moment on when the call has returned its promise.
 *
 * What counts is the processor time that this thread took between two turns of the event loop: on a
 * busy machine, the processor is taken away from it for longer than anything here runs.
 */
export async function measureLongestBlock<T>(action: () => Promise<T>): Promise<Measured<T>> {
  const pending = action();
  let longestBlockMs = 0;
  let isOver = false;
  let beforeMs = readThreadMs();
  const turn = (): void => {
    const nowMs = readThreadMs();
    longestBlockMs = Math.max(longestBlockMs, nowMs - beforeMs);
    beforeMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    const result = await pending;
    // What ran in the last turn ends with it.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return { result, longestBlockMs };
  } finally {
    isOver = true;
  }
}

function readThreadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
