import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * The lease of a thread ended while its worker still worked: the worker was paused or cut off from the database for
 * longer than the lease lasts. Another one may work on the thread by now. Nothing was stored since.
 */
export class LeaseLostError extends ThreadkeepError {
  /** The errors of this class have the code `LEASE_LOST`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["LEASE_LOST"];
  /** `"LeaseLostError"`, also in minified code. */
  override readonly name: string = "LeaseLostError";

  /** The thread. */
  readonly threadId: string;
  /** The fencing token of the lease that was lost. */
  readonly token: number;

  /**
   * @param threadId the thread
   * @param token the fencing token of the lease that was lost
   */
  constructor(threadId: string, token: number) {
    super(
      "LEASE_LOST",
      `The lease of thread "${threadId}" with the token ${token} has ended before its work was done, and another ` +
        "worker may have it by now. Nothing was stored since. End this work; if that happens often, use a longer ttlMs.",
    );
    this.threadId = threadId;
    this.token = token;
  }
}
