import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** What is stored of a run is not what was written. Nothing of it was used. */
export class CorruptRunError extends ThreadkeepError {
  /** The errors of this class have the code `CORRUPT_RUN`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CORRUPT_RUN"];
  /** `"CorruptRunError"`, also in minified code. */
  override readonly name: string = "CorruptRunError";

  /** The run. */
  readonly runId: string;

  /**
   * @param runId the run
   * @param part what of the run is damaged
   * @param options the `cause`
   */
  constructor(runId: string, part: string, options?: ErrorOptions) {
    super(
      "CORRUPT_RUN",
      `The ${part} of run "${runId}" is corrupt: what is stored is not what was written. Nothing was run. Cancel the run, and start a new one.`,
      options,
    );
    this.runId = runId;
  }
}
