import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** This process no longer has the lease of a run: it was paused or cut off for too long, or the run was ended by somebody else. What it would have stored was refused. */
export class RunLeaseLostError extends ThreadkeepError {
  /** The errors of this class have the code `RUN_LEASE_LOST`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["RUN_LEASE_LOST"];
  /** `"RunLeaseLostError"`, also in minified code. */
  override readonly name: string = "RunLeaseLostError";

  /** The run. */
  readonly runId: string;

  /**
   * @param runId the run
   * @param reason what happened, as a clause
   */
  constructor(runId: string, reason: string) {
    super(
      "RUN_LEASE_LOST",
      `The lease of run "${runId}" is lost: ${reason}. Another worker goes on with the run.`,
    );
    this.runId = runId;
  }
}
