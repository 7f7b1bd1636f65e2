import { setTimeout as sleep } from "node:timers/promises";
import { WriteConflictError, type WriteConflict } from "../errors/write-conflict-error.ts";

/**
 * A call needs a few rounds though nobody contends with it: it learns what others have done since, such
 * as to delete a thread and to start it again.
 */
const ROUNDS_WITHOUT_CONTENTION = 3;

const MIN_DELAY_BOUND_MS = 50;
const MAX_DELAY_BOUND_MS = 1_000;

/** How long a call is repeated while other calls keep getting ahead of it. */
export class ConflictDeadline {
  /** From the beginning of the call. */
  readonly limitMs: number;
  readonly #startedMs = performance.now();
  /** Counts the rounds that failed. */
  readonly onConflict: (() => void) | undefined;

  /**
   * @param limitMs from now on
   * @param onConflict called for each round in which others were faster
   */
  constructor(limitMs: number, onConflict?: () => void) {
    this.limitMs = limitMs;
    this.onConflict = onConflict;
  }

  /** Since the call began. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Until it is over; 0 from then on. */
  get leftMs(): number {
    return Math.max(0, this.limitMs - this.elapsedMs);
  }

  get isOver(): boolean {
    return this.elapsedMs >= this.limitMs;
  }
}

/** What is repeated, and what the error says if it cannot be done. */
export type ContendedAction = Pick<WriteConflict, "action" | "reason" | "advice">;

/**
 * Counts the rounds of something that others keep getting ahead of. Those who do so in turns would keep
 * each other busy, so each waits for a random time that grows, up to about the time of a round. No round
 * begins after the call's deadline, apart from the first few.
 */
export class ConflictRounds {
  readonly #action: ContendedAction;
  readonly #deadline: ConflictDeadline;
  #failed = 0;
  #beganMs = performance.now();
  #longestMs = 0;

  constructor(action: ContendedAction, deadline: ConflictDeadline) {
    this.#action = action;
    this.#deadline = deadline;
  }

  /** How long the longest round so far took, without the wait before it. */
  get longestMs(): number {
    return this.#longestMs;
  }

  /**
   * Counts a round that failed, and waits before the next one.
   *
   * @throws WriteConflictError if the time is over
   */
  async next(): Promise<void> {
    this.#failed += 1;
    this.#deadline.onConflict?.();
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#beganMs);
    if (this.#deadline.isOver && this.#failed >= ROUNDS_WITHOUT_CONTENTION) {
      const { elapsedMs } = this.#deadline;
      throw new WriteConflictError({ ...this.#action, attempts: this.#failed, elapsedMs });
    }
    const boundMs = Math.min(MAX_DELAY_BOUND_MS, Math.max(MIN_DELAY_BOUND_MS, this.#longestMs));
    await sleep(Math.random() * Math.min(boundMs, 2 ** this.#failed));
    this.begin();
  }

  /** Begins the next round just now: what has passed since the last one was spent on waiting. */
  begin(): void {
    this.#beganMs = performance.now();
  }
}
