import { setTimeout as sleep } from "node:timers/promises";
import { WriteConflictError } from "../errors/write-conflict-error.ts";

const MAX_ROUNDS = 50;
const MAX_DELAY_MS = 50;

/** What one process does after another, such as to delete a thread and begin it anew, takes a few. */
const ROUNDS_AT_ONCE = 3;

/**
 * Counts how often a call looks at a thread's record anew because it was not as expected. Processes that
 * change one record in turns would keep each other at it without an end; so they wait, each for a random
 * time, and give up after a while.
 */
export class ChangeRounds {
  readonly #threadId: string;
  #begun = 0;

  constructor(threadId: string) {
    this.#threadId = threadId;
  }

  /** @throws WriteConflictError if there were too many already */
  async begin(): Promise<void> {
    const waits = this.#begun - ROUNDS_AT_ONCE;
    if (this.#begun === MAX_ROUNDS) {
      throw new WriteConflictError(
        `Could not open thread "${this.#threadId}": it ended, or its expiry was changed, ${MAX_ROUNDS} ` +
          "times in a row. Nothing was stored; try again, and check that all savers have the same ttl, " +
          "and one that is longer than a call takes.",
      );
    }
    this.#begun += 1;
    if (waits >= 0) await sleep(Math.random() * Math.min(MAX_DELAY_MS, 2 ** (waits + 1)));
  }
}
