import {
  addAmounts,
  type Amount,
  explainLack,
  findRoom,
  NO_AMOUNT,
  subtractAmounts,
  toAmount,
  toExpense,
} from "./budget-room.ts";
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
  #spent: Amount = NO_AMOUNT;
  #reserved: Amount = NO_AMOUNT;
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
  judge(forecast: ExpenseForecast): BudgetVerdict {
    const isShared = this.#openReservations > 0;
    const use = { spent: this.#spent, reserved: this.#reserved, isShared };
    const room = findRoom(this.#limits, forecast, use);
    if (room.verdict === "reserved") return { verdict: "fits", expense: toExpense(room.taken) };
    const { verdict } = room;
    return {
      verdict,
      refusal: this.#explain(verdict === "wait" ? forecast.upper : forecast.least),
    };
  }

  /** Sets `expense` aside. */
  reserve(expense: Expense): Reservation {
    const amount = toAmount(expense);
    this.#reserved = addAmounts(this.#reserved, amount);
    this.#openReservations += 1;
    let isOpen = true;
    return {
      settle: (actual) => {
        if (!isOpen) return;
        isOpen = false;
        this.#openReservations -= 1;
        this.#reserved = subtractAmounts(this.#reserved, amount);
        this.#spend(actual);
      },
    };
  }

  /** Forgets what was spent. What is reserved stays so, and counts for what comes. */
  beginAnew(): void {
    this.#spent = NO_AMOUNT;
  }

  #spend(actual: Expense): void {
    const before = toExpense(this.#spent);
    this.#spent = addAmounts(this.#spent, toAmount(actual));
    const after = toExpense(this.#spent);
    for (const notice of listNotices(this.#scope, this.#limits, before, after)) {
      this.#onReached(notice);
    }
  }

  #explain(expense: Expense): string {
    const use = { spent: toExpense(this.#spent), reserved: toExpense(this.#reserved) };
    return explainLack(this.#scope, this.#limits, use, expense);
  }
}
