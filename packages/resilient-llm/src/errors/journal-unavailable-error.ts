import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A tool that must act once was not begun, because the journal could not be told. */
export class JournalUnavailableError extends ThreadkeepError {
  /** The errors of this class have the code `JOURNAL_UNAVAILABLE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["JOURNAL_UNAVAILABLE"];
  /** `"JournalUnavailableError"`, also in minified code. */
  override readonly name: string = "JournalUnavailableError";

  /** @param cause what the journal threw */
  constructor(toolName: string, cause: unknown) {
    super(
      "JOURNAL_UNAVAILABLE",
      `The tool ${toolName} was not begun: it may act once only, and the journal could not be told. Check the` +
        " journal's storage, and resume the thread.",
      { cause, isFinal: false },
    );
  }
}
