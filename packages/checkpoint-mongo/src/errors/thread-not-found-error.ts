import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread that a call is about is not there. Nothing was changed. */
export class ThreadNotFoundError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_NOT_FOUND`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_NOT_FOUND"];
  /** `"ThreadNotFoundError"`, also in minified code. */
  override readonly name: string = "ThreadNotFoundError";

  /** The thread that is not there. */
  readonly threadId: string;

  /**
   * @param threadId the thread that is not there
   * @param advice what to do, as a sentence
   */
  constructor(threadId: string, advice: string) {
    super(
      "THREAD_NOT_FOUND",
      [
        `Thread "${threadId}" is not stored here: it was never written to, was deleted, or has expired.`,
        advice,
      ].join(" "),
    );
    this.threadId = threadId;
  }
}
