import type { Spender } from "../cost/budget-book.ts";
import type { LedgerBudget } from "../cost/cost-ledger.ts";
import type { LedgerBudgetOptions, PeriodicLimits } from "../options/ledger-options.ts";

/** The budget of one thread, run or user. */
function openScope(
  scope: "thread" | "run" | "user",
  spender: string,
  { period, ...limits }: PeriodicLimits,
): LedgerBudget {
  const title = `${scope.charAt(0).toUpperCase()}${scope.slice(1)} ${JSON.stringify(spender)}`;
  const counts = {
    thread: { threadId: spender },
    run: { runId: spender },
    user: { userId: spender },
  };
  return {
    id: `${scope}/${period ?? "ever"}/${spender}`,
    name: `${title}, by the ledger${period === undefined ? "" : `, this ${period}`}`,
    limits,
    period,
    counts: counts[scope],
  };
}

/** The shared budgets that a call has to keep to. Each call asks them in the same order. */
export function listLedgerBudgets(
  { perDay, perRun, perThread, perUser, total }: LedgerBudgetOptions,
  { runId, threadId, userId }: Spender,
): readonly LedgerBudget[] {
  const budgets: LedgerBudget[] = [];
  if (perRun && runId !== undefined) budgets.push(openScope("run", runId, perRun));
  if (perThread && threadId !== undefined) budgets.push(openScope("thread", threadId, perThread));
  if (perUser && userId !== undefined) budgets.push(openScope("user", userId, perUser));
  if (perDay) {
    const name = "All calls, by the ledger, this day";
    budgets.push({ id: "all/day", name, limits: perDay, period: "day", counts: {} });
  }
  if (total) {
    const name = "All calls, by the ledger";
    budgets.push({ id: "all/ever", name, limits: total, period: undefined, counts: {} });
  }
  return budgets;
}
