import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread has no rollback that could be undone. Nothing was changed. */
export class NothingToUndoError extends ThreadkeepError {
  /** The errors of this class have the code `NOTHING_TO_UNDO`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["NOTHING_TO_UNDO"];
  /** `"NothingToUndoError"`, also in minified code. */
  override readonly name: string = "NothingToUndoError";

  /** The thread without a rollback. */
  readonly threadId: string;

  /** @param threadId the thread without a rollback */
  constructor(threadId: string) {
    super(
      "NOTHING_TO_UNDO",
      `Thread "${threadId}" has no rollback to undo: it was never rolled back, all rollbacks were undone, or ` +
        "their time to be undone is over. rollback(threadId, { to }) reaches every checkpoint that is stored.",
    );
    this.threadId = threadId;
  }
}
