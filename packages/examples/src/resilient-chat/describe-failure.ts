import { BudgetExceededError } from "@threadkeep/resilient-llm";

/** What to tell the user when no answer came. */
export function describeFailure(error: unknown, budgetUsd: number): string {
  if (BudgetExceededError.isInstance(error))
    return (
      `No answer, to keep to the budget of $${budgetUsd}. ${error.message}\n` +
      "Start again with a higher --budget; --thread takes the conversation up where it is."
    );
  // A model's error tells of each attempt; a stack would add nothing to that.
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
