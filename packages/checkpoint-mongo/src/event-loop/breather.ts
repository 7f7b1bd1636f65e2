import { setImmediate } from "node:timers";
import { shareByCopies } from "../process/shared-by-copies.ts";

/** How long a computation may run before the event loop serves everything else. */
const PIECE_MS = 5;

/** How much work is done between two looks at the clock: about a tenth of a millisecond. */
const WORK_BETWEEN_LOOKS = 65_536;

/** The work of handling one item, besides its characters. */
export const ITEM_WORK = 100;

/**
 * Cuts long computations into pieces, so that the event loop serves everything else of the process in
 * between. All computations share one breather: even if many run at once, each turn of the event loop has
 * only one piece.
 *
 * Small computations never look at the clock.
 *
 * @example
 *   for (const line of lines) {
 *     handle(line);
 *     if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
 *   }
 */
class Breather {
  #work = 0;
  /** When the first work of this turn of the event loop was noticed; undefined if there was none. */
  #busySinceMs: number | undefined;
  /** The queue of those that rest. */
  #resting: Promise<void> = Promise.resolve();

  /**
   * Whether it is time to rest.
   *
   * @param work the work since the last call, in characters
   */
  isDue(work: number): boolean {
    this.#work += work;
    if (this.#work < WORK_BETWEEN_LOOKS) return false;
    this.#work = 0;
    const nowMs = performance.now();
    if (this.#busySinceMs === undefined) {
      this.#busySinceMs = nowMs;
      setImmediate(() => {
        this.#busySinceMs = undefined;
      });
    }
    return nowMs - this.#busySinceMs >= PIECE_MS;
  }

  /** Waits until the event loop has served everything else. */
  rest(): Promise<void> {
    // One after the other: all that wait for the same turn of the event loop would run in it.
    this.#resting = this.#resting.then(turnEventLoop);
    return this.#resting;
  }
}

export const breather: Breather = shareByCopies("breather", () => new Breather());

function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
