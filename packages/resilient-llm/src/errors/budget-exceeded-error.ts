import { ThreadkeepError } from "./threadkeep-error.ts";

/** The next attempt might cost more than is left of a budget; it wasn't made. */
export class BudgetExceededError extends ThreadkeepError {
  static readonly codes: readonly string[] = ["BUDGET_EXCEEDED"];
  override readonly name = "BudgetExceededError";

  constructor(message: string) {
    super("BUDGET_EXCEEDED", message);
  }
}
