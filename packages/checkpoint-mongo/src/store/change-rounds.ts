import { setTimeout as sleep } from "node:timers/promises";
import { WriteConflictError } from "../errors/write-conflict-error.ts";

const MAX_ROUNDS = 50;
const MAX_DELAY_MS = 50;

/** What one process does after another, such as to delete a thread and to start it again, takes a few. */
const ROUNDS_AT_ONCE = 3;

/** What is done with a thread. */
type ThreadChange = "open" | "delete";

/** What the message says if it cannot be done. */
const FAILURES: Readonly<Record<ThreadChange, string>> = {
  open:
    "it ended, or its expiry was changed, each time. Nothing was stored; try again, and check that " +
    "all savers have the same ttl, and one that is longer than a call takes.",
  delete:
    "another process ended it each time. Try again, and check that not many processes delete one " +
    "thread at once.",
};

/**
 * Counts how often a call reads a thread's record again because it was not as expected. Processes that
 * change one record in turns would keep each other busy without end. So each waits for a random time,
 * and gives up after a while.
 */
export class ChangeRounds {
  readonly #threadId: string;
  readonly #action: ThreadChange;
  #begun = 0;

  constructor(threadId: string, action: ThreadChange = "open") {
    this.#threadId = threadId;
    this.#action = action;
  }

  /** @throws WriteConflictError if there were too many already */
  async begin(): Promise<void> {
    const waits = this.#begun - ROUNDS_AT_ONCE;
    if (this.#begun === MAX_ROUNDS) {
      const attempts = `Could not ${this.#action} thread "${this.#threadId}" in ${MAX_ROUNDS} attempts`;
      throw new WriteConflictError(`${attempts}: ${FAILURES[this.#action]}`);
    }
    this.#begun += 1;
    if (waits >= 0) await sleep(Math.random() * Math.min(MAX_DELAY_MS, 2 ** (waits + 1)));
  }
}
