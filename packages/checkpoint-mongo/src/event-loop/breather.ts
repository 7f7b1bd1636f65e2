import { setImmediate } from "node:timers";

/** A long computation goes on for about so long before anything else of the process has its turn. */
const PIECE_MS = 5;

/** So much work is done between two looks at the clock. It takes about a tenth of a millisecond. */
const WORK_BETWEEN_LOOKS = 65_536;

/** What handling one item takes besides its characters. */
export const ITEM_WORK = 100;

/**
 * Lets long computations rest, so that the event loop serves everything else of the process between
 * their pieces. All of them share one: when many go on at once, each turn of the event loop still has
 * one piece only.
 *
 * What is small never reaches the clock, let alone a rest.
 *
 * @example
 *   for (const line of lines) {
 *     handle(line);
 *     if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
 *   }
 */
class Breather {
  #work = 0;
  /** When this turn of the event loop was first seen to do much; undefined if it was not. */
  #busySinceMs: number | undefined;
  /** Who rests, in a row. */
  #resting: Promise<void> = Promise.resolve();

  /**
   * Whether it is time to rest.
   *
   * @param work what was done since the last call, in characters handled
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
    // One after the other: what waits for the same turn of the event loop would all run in it.
    this.#resting = this.#resting.then(turnEventLoop);
    return this.#resting;
  }
}

export const breather: Breather = new Breather();

function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
