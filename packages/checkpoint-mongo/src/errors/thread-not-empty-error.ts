import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread that was to be filled has checkpoints already. Nothing was changed. */
export class ThreadNotEmptyError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_NOT_EMPTY`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_NOT_EMPTY"];
  /** `"ThreadNotEmptyError"`, also in minified code. */
  override readonly name: string = "ThreadNotEmptyError";

  /** The thread that is not empty. */
  readonly threadId: string;

  /** @param threadId the thread that is not empty */
  constructor(threadId: string) {
    super(
      "THREAD_NOT_EMPTY",
      `Thread "${threadId}" has checkpoints already. Choose the id of a thread that has none.`,
    );
    this.threadId = threadId;
  }
}
