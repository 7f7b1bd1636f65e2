import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A run that a call is about is not there. Nothing was changed. */
export class RunNotFoundError extends ThreadkeepError {
  /** The errors of this class have the code `RUN_NOT_FOUND`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["RUN_NOT_FOUND"];
  /** `"RunNotFoundError"`, also in minified code. */
  override readonly name: string = "RunNotFoundError";

  /** The run. */
  readonly runId: string;

  /**
   * @param runId the run
   */
  constructor(runId: string) {
    super(
      "RUN_NOT_FOUND",
      `Run "${runId}" is not stored here: it was never started, or was removed after it had ended. Start it with runs.start.`,
    );
    this.runId = runId;
  }
}
