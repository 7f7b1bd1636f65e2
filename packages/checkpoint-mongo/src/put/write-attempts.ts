import type { SaverContext } from "../context/context.ts";
import { ConflictRounds } from "../store/conflict-rounds.ts";
import { endHold, renewHold, takeHold } from "../store/thread-hold.ts";
import type { ThreadHold } from "../store/thread-record.ts";

/** After so many attempts, and in the end, it is checked whether damage is in the way. */
const FIRST_LOOKS: ReadonlySet<number> = new Set([3, 12]);
const LOOK_EVERY = 25;

/** An attempt may take longer than those before it. */
const LEAD_FACTOR = 2;

/**
 * After so many attempts and so long, a call takes its turn. A writer that others got ahead of reads the thread
 * again, while those who got ahead know it. So it would be slower than they at each attempt. Sooner would be too
 * soon: while one has its turn, all others wait, also those that it does not get in the way of.
 */
const ATTEMPTS_BEFORE_TURN = 4;
const TURN_AFTER_MS = 3_000;
const TURN_AFTER_SHARE = 0.25;

/** A turn lasts for several attempts like the longest so far. If its process dies, all others wait so long. */
const TURN_FACTOR = 4;
const MIN_TURN_MS = 2_000;
const MAX_TURN_MS = 15_000;

/**
 * Counts the attempts at a write that others get in the way of: other writers, and whoever ends the thread
 * or changes its expiry. After a few, the call waits for its turn, in which nobody else writes to the thread.
 */
export class WriteAttempts {
  readonly #context: SaverContext;
  readonly #threadId: string;
  readonly #rounds: ConflictRounds;
  #failed = 0;
  #turn: ThreadHold | undefined;

  /**
   * @param context of the call
   * @param what is written, for the error's message
   */
  constructor(context: SaverContext, threadId: string, what: string) {
    this.#context = context;
    this.#threadId = threadId;
    this.#rounds = new ConflictRounds(
      {
        action: `save ${what}`,
        reason: "another writer got in first, or the thread ended or got another expiry meanwhile",
        advice:
          "Nothing was stored. Try again, and check that not many runs work on one thread at once.",
      },
      context.deadline,
    );
  }

  /** What the next attempt works with. */
  get context(): SaverContext {
    return this.#turn === undefined ? this.#context : { ...this.#context, hold: this.#turn };
  }

  /** How long the next attempt may take until its write reaches the server; 0 before the first one. */
  get leadMs(): number {
    return LEAD_FACTOR * this.#rounds.longestMs;
  }

  /**
   * Waits before the next attempt, for a short random time, or for this call's turn.
   *
   * @param look throws if a damaged document is in the way, which no attempt gets around
   * @throws WriteConflictError if the time is over
   */
  async next(look: () => Promise<void>): Promise<void> {
    this.#failed += 1;
    if (this.#isLookDue()) await look();
    await this.#rounds.next();
    if (this.#isTurnDue()) await this.#takeTurn();
  }

  /** Ends the call's turn, if it has one. */
  async end(): Promise<void> {
    if (this.#turn === undefined) return;
    const { token } = this.#turn;
    this.#turn = undefined;
    // What was stored is stored. If this fails, the turn ends by itself.
    await endHold(this.#context.store, this.#threadId, token).catch(() => undefined);
  }

  async #takeTurn(): Promise<void> {
    const { store, deadline } = this.#context;
    const longestMs = TURN_FACTOR * this.#rounds.longestMs;
    const ttlMs = Math.min(MAX_TURN_MS, Math.max(MIN_TURN_MS, longestMs));
    if (this.#turn !== undefined) {
      if (await renewHold(store, this.#threadId, this.#turn.token, ttlMs)) return;
      this.#turn = undefined;
    }
    const waitMs = deadline.leftMs;
    const taken = await takeHold(store, this.#threadId, { heldFor: "turn", ttlMs, waitMs });
    if (taken !== undefined && "own" in taken) this.#turn = taken.own;
    this.#rounds.begin();
  }

  #isTurnDue(): boolean {
    const { hold, deadline } = this.#context;
    const afterMs = Math.min(TURN_AFTER_MS, TURN_AFTER_SHARE * deadline.limitMs);
    return (
      hold === undefined && this.#failed >= ATTEMPTS_BEFORE_TURN && deadline.elapsedMs >= afterMs
    );
  }

  #isLookDue(): boolean {
    const isRegular = FIRST_LOOKS.has(this.#failed) || this.#failed % LOOK_EVERY === 0;
    return isRegular || this.#context.deadline.isOver;
  }
}
