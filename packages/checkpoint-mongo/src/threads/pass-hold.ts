import { setTimeout as sleep } from "node:timers/promises";
import type { SaverContext } from "../context/context.ts";
import { LeaseLostError } from "../errors/lease-lost-error.ts";
import { ThreadLeasedError } from "../errors/thread-leased-error.ts";
import { WriteConflictError } from "../errors/write-conflict-error.ts";
import { endHold, isOverdue } from "../store/thread-hold.ts";
import { findRecord, readHold, type ThreadHold } from "../store/thread-record.ts";

/** A turn takes about as long as one attempt of a write. Many may wait for its end. */
const FIRST_LOOK_BOUND_MS = 20;
const MAX_LOOK_BOUND_MS = 320;

/** Goes past whoever holds a thread, at most so long as the call has time. */
export class HoldPassage {
  readonly #context: Pick<SaverContext, "store" | "deadline" | "hold">;
  readonly #threadId: string;
  #waits = 0;

  constructor(context: Pick<SaverContext, "store" | "deadline" | "hold">, threadId: string) {
    this.#context = context;
    this.#threadId = threadId;
  }

  /**
   * @param found who holds the thread, as its record has just said
   * @returns whether this call may write; otherwise the record is to be read again
   * @throws LeaseLostError if the call is part of a lease, and the thread is not held under that any more
   * @throws ThreadLeasedError if another worker has a lease
   * @throws WriteConflictError if others have their turns until the time is over
   */
  async pass(found: ThreadHold | undefined): Promise<boolean> {
    const { store, hold: own } = this.#context;
    if (found?.token === own?.token) return true;
    if (own?.heldFor === "lease") throw new LeaseLostError(this.#threadId, own.token);
    // A turn that took too long is over. The call goes on without.
    if (found === undefined) return true;
    if (await isOverdue(store, found)) {
      await endHold(store, this.#threadId, found.token);
      return false;
    }
    if (found.heldFor === "lease") {
      throw new ThreadLeasedError(this.#threadId, new Date(found.untilMs));
    }
    // Whoever reads it again to write would burden the server more.
    let hold: ThreadHold | undefined = found;
    while (hold?.token === found.token && found.untilMs > store.estimateTime()) {
      await this.#wait();
      const record = await findRecord(store, this.#threadId);
      hold = record && readHold(record);
    }
    return false;
  }

  async #wait(): Promise<void> {
    const { deadline } = this.#context;
    this.#waits += 1;
    if (deadline.isOver) {
      throw new WriteConflictError({
        action: `write to thread "${this.#threadId}"`,
        attempts: this.#waits,
        elapsedMs: deadline.elapsedMs,
        reason: "another writer that had waited for longer had its turn",
        advice:
          "Nothing was stored. Try again, and check that not many runs work on one thread at once.",
      });
    }
    const boundMs = Math.min(MAX_LOOK_BOUND_MS, FIRST_LOOK_BOUND_MS * 2 ** this.#waits);
    await sleep(boundMs * (0.5 + Math.random() / 2));
  }
}
