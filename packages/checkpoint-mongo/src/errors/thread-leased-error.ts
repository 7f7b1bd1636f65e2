import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Another worker has the lease of a thread. Nothing was stored. The call may be repeated when the lease has ended. */
export class ThreadLeasedError extends ThreadkeepError {
  /** The errors of this class have the code `THREAD_LEASED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["THREAD_LEASED"];
  /** `"ThreadLeasedError"`, also in minified code. */
  override readonly name: string = "ThreadLeasedError";

  /** The thread that is leased. */
  readonly threadId: string;
  /** When the lease ends unless it is renewed, by the server's clock. */
  readonly until: Date;

  /**
   * @param threadId the thread that is leased
   * @param until when the lease ends unless it is renewed
   */
  constructor(threadId: string, until: Date) {
    super(
      "THREAD_LEASED",
      `Another worker has the lease of thread "${threadId}" until ${until.toISOString()}, and renews it while ` +
        "it works. Nothing was stored. Wait for it with withLease and waitMs, or try again later.",
      { isFinal: false },
    );
    this.threadId = threadId;
    this.until = until;
  }
}
