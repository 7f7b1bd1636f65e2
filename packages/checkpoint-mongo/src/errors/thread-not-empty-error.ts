import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Something would have been stored as a new thread where there is one. Nothing of that one was changed. */
export class ThreadNotEmptyError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_NOT_EMPTY`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_NOT_EMPTY"];
  /** `"ThreadNotEmptyError"`, also in minified code. */
  override readonly name: string = "ThreadNotEmptyError";

  /** The thread that is there. */
  readonly threadId: string;

  /**
   * @param threadId the thread that is there
   * @param what what is there, as a sentence without its subject, for example `has checkpoints`
   */
  constructor(threadId: string, what: string) {
    super(
      "THREAD_NOT_EMPTY",
      `Thread "${threadId}" ${what}. It was left as it is. Choose another thread id, or delete the thread first.`,
    );
    this.threadId = threadId;
  }
}
