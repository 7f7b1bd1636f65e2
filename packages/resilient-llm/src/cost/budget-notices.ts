import type { BudgetLimits, BudgetNotice, Expense } from "./budget.ts";

/** Shares of a limit at which a notice is given, in per cent. */
const NOTICE_PERCENTS = [50, 80, 100];

/** How much is spent of the limit that will be reached first, in per cent. */
export function measureSpentPercent(
  { maxCostUsd = Infinity, maxTokens = Infinity }: BudgetLimits,
  { costUsd = 0, tokens }: Expense,
): number {
  // Nothing of nothing is not a number.
  return 100 * Math.max(costUsd / maxCostUsd || 0, tokens / maxTokens || 0);
}

/** The notices that are due when a budget goes from one expense to another. */
export function listNotices(
  budget: string,
  { maxCostUsd, maxTokens }: BudgetLimits,
  before: Expense,
  after: Expense,
): BudgetNotice[] {
  const limits = { maxCostUsd, maxTokens };
  const percentBefore = measureSpentPercent(limits, before);
  const percentAfter = measureSpentPercent(limits, after);
  const { costUsd = 0, tokens } = after;
  return NOTICE_PERCENTS.filter(
    (percent) => percentBefore < percent && percentAfter >= percent,
  ).map((percent) => ({ budget, percent, costUsd, tokens, maxCostUsd, maxTokens }));
}
