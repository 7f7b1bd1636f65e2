import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** An archive of a thread is malformed, damaged, cut short, or of something else. Nothing was changed. */
export class InvalidArchiveError extends ThreadkeepError {
  /** The errors of this class have the code `INVALID_ARCHIVE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["INVALID_ARCHIVE"];
  /** `"InvalidArchiveError"`, also in minified code. */
  override readonly name: string = "InvalidArchiveError";

  /** The first line that is wrong, counted from 1; undefined if it is not about one line. */
  readonly line: number | undefined;

  /**
   * @param problem what is wrong, as a sentence without its end
   * @param line the first line that is wrong, counted from 1
   */
  constructor(problem: string, line?: number, options?: ErrorOptions) {
    const where = line === undefined ? "The archive" : `Line ${line} of the archive`;
    super(
      "INVALID_ARCHIVE",
      `${where} cannot be used: ${problem}. Nothing was changed. Use another copy of it.`,
      options,
    );
    this.line = line;
  }
}
