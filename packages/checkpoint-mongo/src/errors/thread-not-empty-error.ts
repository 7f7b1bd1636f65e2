import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread that was to be filled has checkpoints already. Nothing was changed. */
export class ThreadNotEmptyError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_NOT_EMPTY`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_NOT_EMPTY"];
  /** `"ThreadNotEmptyError"`, also in minified code. */
  override readonly name: string = "ThreadNotEmptyError";

  /** The id of the thread. */
  readonly threadId: string;

  /** @param threadId the id of the thread */
  constructor(threadId: string) {
    super(
      "THREAD_NOT_EMPTY",
      `Thread "${threadId}" has checkpoints already. Nothing was changed. Use another id, or delete the thread before.`,
    );
    this.threadId = threadId;
  }
}
