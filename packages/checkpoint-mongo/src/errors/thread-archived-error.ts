import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread is in the archive store, and this saver has no archive store. Nothing was changed. */
export class ThreadArchivedError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_ARCHIVED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_ARCHIVED"];
  /** `"ThreadArchivedError"`, also in minified code. */
  override readonly name: string = "ThreadArchivedError";

  /** The thread that was archived. */
  readonly threadId: string;

  /** @param threadId the thread that was archived */
  constructor(threadId: string) {
    super(
      "THREAD_ARCHIVED",
      `Thread "${threadId}" was moved to an archive store, or a copy of it may still be there. Give the saver the ` +
        "option archive with that store: then the thread comes back when it is used, and its copies go when it is " +
        "deleted.",
    );
    this.threadId = threadId;
  }
}
