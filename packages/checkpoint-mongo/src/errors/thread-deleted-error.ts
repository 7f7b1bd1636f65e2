import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A thread was deleted by a saver with `deletedThreadSeconds`, and a write would begin it anew. Nothing was stored. */
export class ThreadDeletedError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_DELETED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_DELETED"];
  /** `"ThreadDeletedError"`, also in minified code. */
  override readonly name: string = "ThreadDeletedError";

  /** The id of the thread. */
  readonly threadId: string;

  /** @param threadId the id of the thread */
  constructor(threadId: string) {
    super(
      "THREAD_DELETED",
      `Thread "${threadId}" was deleted, and its id takes no writes yet. Nothing was stored. End the run that still ` +
        "writes to it, or use another id.",
    );
    this.threadId = threadId;
  }
}
