import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread of the official saver would not read the same from here. It was left as it is. */
export class MigrationMismatchError extends ThreadkeepError {
  /** The errors of this class have the code `MIGRATION_MISMATCH`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["MIGRATION_MISMATCH"];
  /** `"MigrationMismatchError"`, also in minified code. */
  override readonly name: string = "MigrationMismatchError";

  /** The thread. */
  readonly threadId: string;

  /**
   * @param threadId the thread
   * @param problem what differs, as a sentence without its end
   */
  constructor(threadId: string, problem: string) {
    super(
      "MIGRATION_MISMATCH",
      `Thread "${threadId}" was not migrated: ${problem}. It is read in place as before, and its originals stay.`,
    );
    this.threadId = threadId;
  }
}
