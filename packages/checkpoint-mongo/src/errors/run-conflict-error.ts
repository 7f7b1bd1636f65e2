import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** There is a run with the same id that was started with something else. Nothing was changed. */
export class RunConflictError extends ThreadkeepError {
  /** The errors of this class have the code `RUN_CONFLICT`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["RUN_CONFLICT"];
  /** `"RunConflictError"`, also in minified code. */
  override readonly name: string = "RunConflictError";

  /** The run. */
  readonly runId: string;

  /**
   * @param runId the run
   * @param difference what differs, as a clause
   */
  constructor(runId: string, difference: string) {
    super(
      "RUN_CONFLICT",
      `Run "${runId}" was started before, and ${difference}. Give the new run another id, or start it with what it was started with.`,
    );
    this.runId = runId;
  }
}
