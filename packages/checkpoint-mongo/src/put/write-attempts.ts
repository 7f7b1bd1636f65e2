import { setTimeout as sleep } from "node:timers/promises";
import { WriteConflictError } from "../errors/write-conflict-error.ts";

/** Enough for half a dozen writers that put into one namespace without a pause. */
const MAX_ATTEMPTS = 50;
const MAX_DELAY_MS = 50;

/** After this many attempts it is checked whether damage is in the way, and again now and then. */
const LOOKS_AFTER: ReadonlySet<number> = new Set([3, 12, MAX_ATTEMPTS]);

/** Counts the attempts at a write that other writers get in the way of, and waits between them. */
export class WriteAttempts {
  readonly #what: string;
  #failed = 0;

  /** @param what is written, for the error's message */
  constructor(what: string) {
    this.#what = what;
  }

  /**
   * Waits before the next attempt, for a short random time.
   *
   * @param look throws if it is not another writer that is in the way but a damaged document, which
   *   no attempt gets around
   * @throws WriteConflictError if the attempts are used up
   */
  async next(look: () => Promise<void>): Promise<void> {
    this.#failed += 1;
    if (LOOKS_AFTER.has(this.#failed)) await look();
    if (this.#failed >= MAX_ATTEMPTS) {
      throw new WriteConflictError(
        `Could not save ${this.#what}: other writers got in first ${MAX_ATTEMPTS} times in a row. ` +
          "Nothing was stored; try again, and check that not many runs work on one thread at once.",
      );
    }
    await sleep(Math.random() * Math.min(MAX_DELAY_MS, 2 ** this.#failed));
  }
}
