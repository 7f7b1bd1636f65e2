import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A run is not in the state that a call needs. Nothing was changed. */
export class RunStateError extends ThreadkeepError {
  /** The errors of this class have the code `RUN_STATE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["RUN_STATE"];
  /** `"RunStateError"`, also in minified code. */
  override readonly name: string = "RunStateError";

  /** The run. */
  readonly runId: string;
  /** Where the run stands. */
  readonly status: string;

  /**
   * @param runId the run
   * @param status where the run stands
   * @param action what was asked for, as a verb: `resume`
   * @param advice what to do, as a sentence
   */
  constructor(runId: string, status: string, action: string, advice: string) {
    super("RUN_STATE", `Cannot ${action} run "${runId}", which is ${status}. ${advice}`);
    this.runId = runId;
    this.status = status;
  }
}
