import { ConflictRounds, type ConflictDeadline } from "../store/conflict-rounds.ts";

/** After so many attempts, and in the end, it is checked whether damage is in the way. */
const FIRST_LOOKS: ReadonlySet<number> = new Set([3, 12]);
const LOOK_EVERY = 25;

/** An attempt may take longer than those before it. */
const LEAD_FACTOR = 2;

/**
 * Counts the attempts at a write that others get in the way of: other writers, and whoever ends the thread
 * or changes its expiry.
 */
export class WriteAttempts {
  readonly #deadline: ConflictDeadline;
  readonly #rounds: ConflictRounds;
  #failed = 0;

  /**
   * @param what is written, for the error's message
   * @param deadline of the call
   */
  constructor(what: string, deadline: ConflictDeadline) {
    this.#deadline = deadline;
    this.#rounds = new ConflictRounds(
      {
        action: `save ${what}`,
        reason: "another writer got in first, or the thread ended or got another expiry meanwhile",
        advice:
          "Nothing was stored. Try again, and check that not many runs work on one thread at once.",
      },
      deadline,
    );
  }

  /** How long the next attempt may take until its write reaches the server; 0 before the first one. */
  get leadMs(): number {
    return LEAD_FACTOR * this.#rounds.longestMs;
  }

  /**
   * Waits before the next attempt, for a short random time.
   *
   * @param look throws if a damaged document is in the way, which no attempt gets around
   * @throws WriteConflictError if the time is over
   */
  async next(look: () => Promise<void>): Promise<void> {
    this.#failed += 1;
    if (this.#isLookDue()) await look();
    await this.#rounds.next();
  }

  #isLookDue(): boolean {
    const isRegular = FIRST_LOOKS.has(this.#failed) || this.#failed % LOOK_EVERY === 0;
    return isRegular || this.#deadline.isOver;
  }
}
