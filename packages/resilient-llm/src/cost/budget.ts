import { listNotices } from "./budget-notices.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Limits on what all calls together may cost. */
export interface BudgetLimits {
  /**
   * The most that may be spent, in USD.
   *
   * @default no limit
   */
  readonly maxCostUsd?: number | undefined;
  /**
   * The most tokens that may be used, input and output together.
   *
   * @default no limit
   */
  readonly maxTokens?: number | undefined;
}

/** What an attempt may cost, or did cost. */
export interface Expense {
  /** USD; `undefined` if the price is not known. */
  readonly costUsd: number | undefined;
  /** Input and output tokens. */
  readonly tokens: number;
}

/** What an attempt may cost, as far as that can be known before it is made. */
export interface ExpenseForecast {
  /** Hardly any attempt costs more; with a limit on its output, none does. */
  readonly upper: Expense;
  /** With less than this left, there is no use in making it. */
  readonly least: Expense;
}

/** A claim on budgets, to be settled once with what was really spent. */
export interface Reservation {
  settle(actual: Expense): void;
}

/** A budget that has reached a share of its limit. */
export interface BudgetNotice extends BudgetLimits {
  /** The budget's name, as in messages: for example `Thread "42"`. */
  readonly budget: string;
  /** How much is spent of the limit that will be reached first: 50, 80 or 100 per cent. */
  readonly percent: number;
  /** USD spent so far. */
  readonly costUsd: number;
  /** Tokens used so far. */
  readonly tokens: number;
}

/** Why nothing is reserved; never thrown, because another model may be cheaper. */
export interface Refusal {
  readonly refusal: string;
}

/** What a budget says to an attempt. */
export type BudgetVerdict =
  | { readonly verdict: "fits"; readonly expense: Expense }
  /** It does not fit now, and may fit when what is reserved has been settled. */
  | ({ readonly verdict: "wait" } & Refusal)
  | ({ readonly verdict: "refused" } & Refusal);

/**
 * One budget. What an attempt may cost is reserved before it is made and settled after, so calls in
 * flight at the same time cannot spend the same money.
 */
export class Budget {
  /** Calls that wait for reservations to be settled; each settlement lets them try again. */
  readonly line: WaitingLine = new WaitingLine();
  readonly #scope: string;
  readonly #limits: BudgetLimits;
  readonly #onReached: (notice: BudgetNotice) => void;
  #costUsd = 0;
  #tokens = 0;
  #reservedCostUsd = 0;
  #reservedTokens = 0;
  #openReservations = 0;

  /**
   * @param scope How messages call it, for instance `Thread "42"`.
   * @param onReached Told when 50, 80 and 100 % of a limit are spent. It must not throw.
   */
  constructor(scope: string, limits: BudgetLimits, onReached: (notice: BudgetNotice) => void) {
    this.#scope = scope;
    this.#limits = limits;
    this.#onReached = onReached;
  }

  /** Whether it can be kept only where prices are known. */
  get isInUsd(): boolean {
    return this.#limits.maxCostUsd !== undefined;
  }

  /** Whether an attempt fits. Reserves nothing. */
  judge({ upper, least }: ExpenseForecast): BudgetVerdict {
    if (this.#hasRoom(upper)) return { verdict: "fits", expense: upper };
    if (!this.#mayHaveRoom(least)) return { verdict: "refused", refusal: this.#explain(least) };
    if (this.#openReservations > 0) return { verdict: "wait", refusal: this.#explain(upper) };
    // Nobody else is spending. An answer is rarely as long as it may be, so it gets all that is left.
    return { verdict: "fits", expense: this.#boundToRest(upper) };
  }

  /** Sets `expense` aside. */
  reserve(expense: Expense): Reservation {
    const costUsd = expense.costUsd ?? 0;
    this.#reservedCostUsd += costUsd;
    this.#reservedTokens += expense.tokens;
    this.#openReservations += 1;
    let isOpen = true;
    return {
      settle: (actual) => {
        if (!isOpen) return;
        isOpen = false;
        this.#openReservations -= 1;
        this.#reservedTokens -= expense.tokens;
        // Sums of fractions leave a trace; with nothing reserved it is exactly 0.
        this.#reservedCostUsd = this.#openReservations && this.#reservedCostUsd - costUsd;
        this.#spend(actual);
      },
    };
  }

  /** Forgets what was spent. What is reserved stays so, and counts for what comes. */
  beginAnew(): void {
    this.#costUsd = 0;
    this.#tokens = 0;
  }

  #spend({ costUsd = 0, tokens }: Expense): void {
    const before = { costUsd: this.#costUsd, tokens: this.#tokens };
    this.#costUsd += costUsd;
    this.#tokens += tokens;
    const after = { costUsd: this.#costUsd, tokens: this.#tokens };
    for (const notice of listNotices(this.#scope, this.#limits, before, after)) {
      this.#onReached(notice);
    }
  }

  get #leftTokens(): number {
    const { maxTokens = Infinity } = this.#limits;
    return Math.max(0, maxTokens - this.#tokens - this.#reservedTokens);
  }

  get #leftUsd(): number {
    const { maxCostUsd = Infinity } = this.#limits;
    return Math.max(0, maxCostUsd - this.#costUsd - this.#reservedCostUsd);
  }

  #hasRoom({ costUsd = 0, tokens }: Expense): boolean {
    return tokens <= this.#leftTokens && costUsd <= this.#leftUsd;
  }

  /** Whether there is room once everything that is reserved has been given back. */
  #mayHaveRoom({ costUsd = 0, tokens }: Expense): boolean {
    const { maxCostUsd = Infinity, maxTokens = Infinity } = this.#limits;
    return tokens <= maxTokens - this.#tokens && costUsd <= maxCostUsd - this.#costUsd;
  }

  #boundToRest({ costUsd, tokens }: Expense): Expense {
    return {
      tokens: Math.min(tokens, this.#leftTokens),
      costUsd: costUsd === undefined ? undefined : Math.min(costUsd, this.#leftUsd),
    };
  }

  #explain({ costUsd = 0, tokens }: Expense): string {
    const { maxCostUsd, maxTokens } = this.#limits;
    return tokens > this.#leftTokens
      ? `${this.#scope}: ${this.#leftTokens} of ${maxTokens} tokens are left and the next attempt may use ${tokens}`
      : `${this.#scope}: $${this.#leftUsd.toFixed(6)} of $${maxCostUsd} are left and the next attempt may cost $${costUsd.toFixed(6)}`;
  }
}
