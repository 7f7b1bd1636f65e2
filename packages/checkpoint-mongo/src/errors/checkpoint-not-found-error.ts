import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A checkpoint that a call is about is not there. Nothing was changed. */
export class CheckpointNotFoundError extends ThreadkeepError {
  /** The errors of this class have the code `CHECKPOINT_NOT_FOUND`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CHECKPOINT_NOT_FOUND"];
  /** `"CheckpointNotFoundError"`, also in minified code. */
  override readonly name: string = "CheckpointNotFoundError";

  /** The thread that does not have it. */
  readonly threadId: string;

  /**
   * @param threadId the thread that does not have it
   * @param wanted what was looked for, such as `checkpoint 1f0…`
   * @param advice what to do, as a sentence
   */
  constructor(threadId: string, wanted: string, advice: string) {
    super("CHECKPOINT_NOT_FOUND", `Thread "${threadId}" has no ${wanted}. ${advice}`);
    this.threadId = threadId;
  }
}
