import { ConflictRounds, type ConflictDeadline, type ContendedAction } from "./conflict-rounds.ts";

/** What is done with a thread. */
type ThreadChange = "open" | "delete" | "update" | "prune" | "copy" | "roll back" | "fork into";

/** What the error says if it cannot be done. */
const FAILURES: Readonly<Record<ThreadChange, Omit<ContendedAction, "action">>> = {
  open: {
    reason: "it ended or its expiry was changed meanwhile",
    advice:
      "Nothing was stored. Try again, and check that all savers have the same ttl, and one that is " +
      "longer than a call takes.",
  },
  delete: {
    reason: "another process ended it meanwhile",
    advice: "Try again, and check that not many processes delete one thread at once.",
  },
  update: {
    reason: "others changed its metadata meanwhile",
    advice: "Nothing was changed. Try again.",
  },
  copy: {
    reason: "others removed parts of it meanwhile, or wrote to the thread that it was copied to",
    advice: "There is no copy. Try again when fewer write to them.",
  },
  "roll back": {
    reason: "others put checkpoints of it meanwhile",
    advice: "Try again when fewer write to it.",
  },
  "fork into": {
    reason: "others wrote to it or ended it meanwhile",
    advice: "Fork into a thread that nobody else uses.",
  },
  prune: {
    reason: "others put or deleted checkpoints of it meanwhile",
    advice: "Try again when fewer write to it.",
  },
};

/** Counts how often a call reads a thread's record because the record was not as expected. */
export class ChangeRounds {
  /** Of the call that it is done for. */
  readonly deadline: ConflictDeadline;
  readonly #rounds: ConflictRounds;
  #isBegun = false;

  constructor(threadId: string, change: ThreadChange, deadline: ConflictDeadline) {
    this.deadline = deadline;
    const action = `${change} thread "${threadId}"`;
    this.#rounds = new ConflictRounds({ action, ...FAILURES[change] }, deadline);
  }

  /** @throws WriteConflictError if there were rounds before and the time is over */
  async begin(): Promise<void> {
    if (this.#isBegun) await this.#rounds.next();
    this.#isBegun = true;
  }
}
