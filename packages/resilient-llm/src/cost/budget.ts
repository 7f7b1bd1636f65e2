/** Limits on what calls may cost altogether. */
export interface BudgetLimits {
  /** USD. */
  readonly maxCostUsd?: number | undefined;
  /** Input and output tokens. */
  readonly maxTokens?: number | undefined;
}

/** What an attempt may cost at most, or did cost. */
export interface Expense {
  /** `undefined`: the price isn't known. */
  readonly costUsd: number | undefined;
  readonly tokens: number;
}

/** A claim on budgets, to be settled once with what was really spent. */
export interface Reservation {
  settle(actual: Expense): void;
}

/**
 * One budget. What an attempt may cost is reserved before it is made and settled after, so calls in
 * flight at the same time can't overshoot together.
 */
export class Budget {
  readonly #scope: string;
  readonly #limits: BudgetLimits;
  #costUsd = 0;
  #tokens = 0;
  #reservedCostUsd = 0;
  #reservedTokens = 0;

  /** @param scope How messages call it, for instance `thread "42"`. */
  constructor(scope: string, limits: BudgetLimits) {
    this.#scope = scope;
    this.#limits = limits;
  }

  /** Why `expense` doesn't fit into what is left; `undefined` if it does. */
  refuse(expense: Expense): string | undefined {
    const { maxCostUsd, maxTokens } = this.#limits;
    if (maxTokens !== undefined) {
      const left = maxTokens - this.#tokens - this.#reservedTokens;
      if (expense.tokens > left) {
        return `${this.#scope}: ${Math.max(0, left)} of ${maxTokens} tokens are left and the next attempt may use ${expense.tokens}`;
      }
    }
    if (maxCostUsd !== undefined && expense.costUsd !== undefined) {
      const left = maxCostUsd - this.#costUsd - this.#reservedCostUsd;
      if (expense.costUsd > left) {
        return `${this.#scope}: $${Math.max(0, left).toFixed(6)} of $${maxCostUsd} are left and the next attempt may cost $${expense.costUsd.toFixed(6)}`;
      }
    }
    return undefined;
  }

  /** Sets `expense` aside. */
  reserve(expense: Expense): Reservation {
    const costUsd = expense.costUsd ?? 0;
    this.#reservedCostUsd += costUsd;
    this.#reservedTokens += expense.tokens;
    let open = true;
    return {
      settle: (actual) => {
        if (!open) return;
        open = false;
        this.#reservedCostUsd -= costUsd;
        this.#reservedTokens -= expense.tokens;
        this.#costUsd += actual.costUsd ?? 0;
        this.#tokens += actual.tokens;
      },
    };
  }
}
