import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Nothing was asked, because the ledger could not say what is left of a budget. */
export class LedgerUnavailableError extends ThreadkeepError {
  /** The errors of this class have the code `LEDGER_UNAVAILABLE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["LEDGER_UNAVAILABLE"];
  /** `"LedgerUnavailableError"`, also in minified code. */
  override readonly name: string = "LedgerUnavailableError";

  /** @param cause what the ledger threw */
  constructor(budget: string, cause: unknown) {
    super(
      "LEDGER_UNAVAILABLE",
      `Nothing was sent: the ledger could not say what is left of a budget (${budget}). Check the ledger's storage` +
        ' and call again, or set ledger.budget.onUnavailable to "allow".',
      { cause, isFinal: false },
    );
  }
}
