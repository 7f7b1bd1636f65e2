import { Budget, type BudgetLimits, type Expense, type Reservation } from "./budget.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";

/** Budgets of a model. */
export interface BudgetOptions extends BudgetLimits {
  /** For each `configurable.thread_id` on its own. */
  readonly perThread?: BudgetLimits | undefined;
  /** For each `configurable.run_id` (or `metadata.run_id`) on its own. */
  readonly perRun?: BudgetLimits | undefined;
  /**
   * What happens with a model whose price isn't known while a limit in USD is set: `refuse` doesn't
   * call it, `allow` calls it and counts nothing. Default: `refuse`.
   */
  readonly onUnknownPrice?: "refuse" | "allow" | undefined;
}

/** Who spends. */
export interface Spender {
  /** The thread, from `configurable.thread_id`. */
  readonly threadId: string | undefined;
  /** The run, from `configurable.run_id` or `metadata.run_id`. */
  readonly runId: string | undefined;
}

const noReservation: Reservation = { settle: () => {} };

/** All budgets of one model: in total, per thread, per run. */
export class BudgetBook {
  /** Whether there is anything to keep to. */
  readonly isLimited: boolean;
  readonly #options: BudgetOptions;
  readonly #total: Budget | undefined;
  readonly #scoped = new RecentlyUsedMap<Budget>();

  constructor(options: BudgetOptions) {
    this.#options = options;
    const { maxCostUsd, maxTokens, perRun, perThread } = options;
    if (maxCostUsd !== undefined || maxTokens !== undefined) {
      this.#total = new Budget("The model's budget", options);
    }
    this.isLimited = Boolean(this.#total ?? perRun ?? perThread);
  }

  /** Reserves with every budget that applies, or says which one has no room. */
  reserve(
    spender: Spender,
    expense: Expense,
    model: string,
  ): Reservation | { readonly refusal: string } {
    if (!this.isLimited) return noReservation;
    const budgets = this.#budgetsOf(spender);
    const { maxCostUsd, perThread, perRun, onUnknownPrice } = this.#options;
    const limited = maxCostUsd ?? perThread?.maxCostUsd ?? perRun?.maxCostUsd;
    if (expense.costUsd === undefined && limited !== undefined && onUnknownPrice !== "allow") {
      return {
        refusal:
          `The price of ${model} isn't known, so a budget in USD can't be kept: give it pricing,` +
          ` or set budget.onUnknownPrice to "allow"`,
      };
    }
    for (const budget of budgets) {
      const refusal = budget.refuse(expense);
      if (refusal !== undefined) return { refusal };
    }
    const reservations = budgets.map((budget) => budget.reserve(expense));
    return {
      settle: (actual) => {
        for (const reservation of reservations) reservation.settle(actual);
      },
    };
  }

  #budgetsOf({ threadId, runId }: Spender): Budget[] {
    const { perThread, perRun } = this.#options;
    const budgets = this.#total ? [this.#total] : [];
    if (perThread && threadId !== undefined) {
      budgets.push(this.#scope(`Thread ${JSON.stringify(threadId)}`, perThread));
    }
    if (perRun && runId !== undefined) {
      budgets.push(this.#scope(`Run ${JSON.stringify(runId)}`, perRun));
    }
    return budgets;
  }

  #scope(name: string, limits: BudgetLimits): Budget {
    const budget = this.#scoped.get(name) ?? new Budget(name, limits);
    this.#scoped.set(name, budget);
    return budget;
  }
}
