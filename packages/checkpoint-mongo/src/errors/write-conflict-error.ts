import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** What was tried, how often, and what was in the way. */
export interface WriteConflict {
  /** What could not be done, as in `delete thread "a"`. */
  readonly action: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** From the beginning of the call to the end of the last attempt, in milliseconds. */
  readonly elapsedMs: number;
  /** What happened at each attempt, as a clause. */
  readonly reason: string;
  /** What to do now, as sentences. */
  readonly advice: string;
}

/**
 * Other writers changed the same thread or item again and again, until the time of the `retry` option
 * was over. Nothing was stored. The call may be repeated.
 */
export class WriteConflictError extends ThreadkeepError {
  /** The errors of this class have the code `WRITE_CONFLICT`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["WRITE_CONFLICT"];
  /** `"WriteConflictError"`, also in minified code. */
  override readonly name: string = "WriteConflictError";

  /** How often it was tried. */
  readonly attempts: number;
  /** From the beginning of the call to the end of the last attempt, in milliseconds. */
  readonly elapsedMs: number;

  /** @param conflict what was tried, how often, and what was in the way */
  constructor({ action, attempts, elapsedMs, reason, advice }: WriteConflict) {
    super(
      "WRITE_CONFLICT",
      `Could not ${action}: at each of ${attempts} attempts in ${(elapsedMs / 1_000).toFixed(1)} s, ` +
        `${reason}. ${advice}`,
      { isFinal: false },
    );
    this.attempts = attempts;
    this.elapsedMs = Math.round(elapsedMs);
  }
}
