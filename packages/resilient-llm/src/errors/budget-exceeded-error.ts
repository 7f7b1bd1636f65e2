import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** The next attempt might cost more than is left of a budget. It was not made. */
export class BudgetExceededError extends ThreadkeepError {
  /** The errors of this class have the code `BUDGET_EXCEEDED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["BUDGET_EXCEEDED"];
  /** `"BudgetExceededError"`, also in minified code. */
  override readonly name: string = "BudgetExceededError";

  /** @param message which budget has too little left, and how much the attempt might cost */
  constructor(message: string) {
    super("BUDGET_EXCEEDED", message);
  }
}
