import { findPeriodStart, type BudgetPeriod } from "./budget-period.ts";
import {
  Budget,
  type BudgetLimits,
  type BudgetNotice,
  type Expense,
  type ExpenseForecast,
  type Refusal,
  type Reservation,
} from "./budget.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";

/** Limits on what calls with one API key may cost. */
export interface KeyBudgetLimits extends BudgetLimits {
  /** After how long the budget of a key is full again. */
  readonly period: BudgetPeriod;
}

/** Budgets of a model: limits for all calls together, and for each thread, run and API key. */
export interface BudgetOptions extends BudgetLimits {
  /**
   * Limits for each `configurable.thread_id`. Of threads and runs together, the latest 10,000 are counted.
   *
   * @default no limits
   */
  readonly perThread?: BudgetLimits | undefined;
  /**
   * Limits for each `configurable.run_id`, or else `metadata.run_id`.
   *
   * @default no limits
   */
  readonly perRun?: BudgetLimits | undefined;
  /**
   * Limits for each API key, in each day or month of UTC. A model whose key has nothing left is passed
   * over for one with another key. Only calls of this model in this process are counted.
   *
   * @default no limits
   */
  readonly perKey?: KeyBudgetLimits | undefined;
  /**
   * What happens under a limit in USD with a model whose price is not known. `refuse`: it is not asked.
   * `allow`: it is asked, and counts nothing in USD.
   *
   * @default "refuse"
   */
  readonly onUnknownPrice?: "refuse" | "allow" | undefined;
}

/** The thread, the run and the user that a call belongs to. */
export interface Spender {
  /** The thread, from `configurable.thread_id`. */
  readonly threadId: string | undefined;
  /** The run, from `configurable.run_id` or `metadata.run_id`. */
  readonly runId: string | undefined;
  /** The user, from `configurable.user_id` or `metadata.user_id`. */
  readonly userId?: string | undefined;
}

/** The API key that an attempt is made with. */
export interface Payer {
  /** The same for the same key; not the key itself. */
  readonly id: string;
  /** Where the key comes from, for messages. */
  readonly source: string;
}

/** What budgets need of a clock. */
export interface BudgetClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`. The returned function cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
}

/** How long a call may wait for what others have reserved. */
export interface WaitBounds {
  readonly clock: BudgetClock;
  /** In ms since the epoch; `Infinity` for no bound. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** An attempt that is to be paid for. */
export interface ReservationRequest {
  readonly spender: Spender;
  readonly payer: Payer;
  /** How messages call the model. */
  readonly model: string;
  /** Asked again when a wait is over: meanwhile more is known about the model's answers. */
  forecast(): ExpenseForecast;
  /** `undefined`: it does not wait. */
  readonly wait: WaitBounds | undefined;
}

interface Blocked extends Refusal {
  readonly blockedBy: Budget;
}

const NO_RESERVATION: Reservation = { settle: () => {} };

/** The budget of a key in one period. */
interface KeyBudget {
  readonly budget: Budget;
  startedAtMs: number;
}

/** All budgets of one model: in total, per thread, per run, per key. */
export class BudgetBook {
  /** Whether there is anything to keep to. */
  readonly isLimited: boolean;
  readonly #options: BudgetOptions;
  readonly #total: Budget | undefined;
  readonly #scoped = new RecentlyUsedMap<Budget>();
  /** As many as the chain has keys. */
  readonly #keys = new Map<string, KeyBudget>();
  readonly #clock: BudgetClock;
  readonly #onReached: (notice: BudgetNotice) => void;

  /** @param onReached Told when 50, 80 and 100 % of a budget are spent. It must not throw. */
  constructor(
    options: BudgetOptions,
    clock: BudgetClock,
    onReached: (notice: BudgetNotice) => void,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#onReached = onReached;
    const { maxCostUsd, maxTokens, perKey, perRun, perThread } = options;
    if (maxCostUsd !== undefined || maxTokens !== undefined) {
      this.#total = new Budget("The model's budget", options, onReached);
    }
    this.isLimited = Boolean(this.#total ?? perRun ?? perThread ?? perKey);
  }

  /**
   * Reserves with every budget that applies, or says which one has no room. Where there is room once
   * the calls under way are settled, it waits for them, in the order of the calls, up to the deadline.
   *
   * @throws The signal's reason, when it aborts a wait.
   */
  reserve(request: ReservationRequest): Reservation | Refusal | Promise<Reservation | Refusal> {
    if (!this.isLimited) return NO_RESERVATION;
    const budgets = this.#listBudgets(request);
    const first = this.#tryToReserve(budgets, request);
    if (!("blockedBy" in first)) return first;
    return request.wait ? this.#waitForRoom(budgets, request, request.wait, first) : first;
  }

  /** Counts what was spent without having been reserved, because the process that did so has died. */
  spend(by: Pick<ReservationRequest, "payer" | "spender">, actual: Expense): void {
    for (const budget of this.#listBudgets(by)) {
      budget.reserve({ costUsd: 0, tokens: 0 }).settle(actual);
      budget.line.advance();
    }
  }

  /** @param turnAt The budget in whose line this request is the first. */
  #tryToReserve(
    budgets: readonly Budget[],
    request: ReservationRequest,
    turnAt?: Budget,
  ): Reservation | Refusal | Blocked {
    const { model } = request;
    const expected = request.forecast();
    const isPriceUnknown = expected.upper.costUsd === undefined;
    const mustKnowPrice = this.#options.onUnknownPrice !== "allow";
    if (isPriceUnknown && mustKnowPrice && budgets.some((budget) => budget.isInUsd)) {
      return {
        refusal:
          `The price of ${model} is not known, so a budget in USD cannot be kept: give it pricing,` +
          ` or set budget.onUnknownPrice to "allow"`,
      };
    }
    const expenses: Expense[] = [];
    let blocked: Blocked | undefined;
    for (const budget of budgets) {
      const judged = budget.judge(expected);
      if (judged.verdict === "refused") return { refusal: judged.refusal };
      if (judged.verdict === "fits") {
        expenses.push(judged.expense);
        // Those who came before are first, or small calls would keep a large one waiting for ever.
        if (budget === turnAt || budget.line.isEmpty) continue;
      }
      const refusal =
        judged.verdict === "wait" ? judged.refusal : "Other calls wait for this budget";
      blocked ??= { blockedBy: budget, refusal };
    }
    if (blocked) return blocked;
    const reservations = budgets.map((budget, index) => budget.reserve(expenses[index] as Expense));
    return {
      settle: (actual) => {
        for (const reservation of reservations) reservation.settle(actual);
        // Only now: a waiting call may need room in all of them.
        for (const budget of budgets) budget.line.advance();
      },
    };
  }

  #waitForRoom(
    budgets: readonly Budget[],
    request: ReservationRequest,
    { clock, deadlineMs, signal }: WaitBounds,
    first: Blocked,
  ): Promise<Reservation | Refusal> {
    return new Promise((resolve, reject) => {
      let { refusal } = first;
      let leave: () => void;
      const join = (budget: Budget) => {
        leave = budget.line.join(() => tryAgain(budget));
      };
      const tryAgain = (budget: Budget): boolean => {
        const outcome = this.#tryToReserve(budgets, request, budget);
        if (!("blockedBy" in outcome)) {
          stopWaiting();
          resolve(outcome);
          return true;
        }
        ({ refusal } = outcome);
        if (outcome.blockedBy === budget) return false;
        join(outcome.blockedBy);
        return true;
      };
      const giveUp = () => {
        stopWaiting();
        leave();
        resolve({ refusal: `${refusal}; what other calls had reserved was not settled in time` });
      };
      const onAbort = () => {
        stopWaiting();
        leave();
        reject(signal?.reason);
      };
      const cancelTimer = Number.isFinite(deadlineMs)
        ? clock.setTimer(giveUp, deadlineMs - clock.now())
        : undefined;
      const stopWaiting = () => {
        cancelTimer?.();
        signal?.removeEventListener("abort", onAbort);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      join(first.blockedBy);
    });
  }

  #listBudgets({ payer, spender }: Pick<ReservationRequest, "payer" | "spender">): Budget[] {
    const { perKey, perThread, perRun } = this.#options;
    const { runId, threadId } = spender;
    const budgets = this.#total ? [this.#total] : [];
    if (perThread && threadId !== undefined) {
      budgets.push(this.#openScope(`Thread ${JSON.stringify(threadId)}`, perThread));
    }
    if (perRun && runId !== undefined) {
      budgets.push(this.#openScope(`Run ${JSON.stringify(runId)}`, perRun));
    }
    if (perKey) budgets.push(this.#openKey(payer, perKey));
    return budgets;
  }

  #openKey({ id, source }: Payer, limits: KeyBudgetLimits): Budget {
    const startedAtMs = findPeriodStart(limits.period, this.#clock.now());
    const known = this.#keys.get(id);
    if (!known) {
      const name = `This ${limits.period}'s budget of the key from ${source}`;
      const budget = new Budget(name, limits, this.#onReached);
      this.#keys.set(id, { budget, startedAtMs });
      return budget;
    }
    if (known.startedAtMs !== startedAtMs) {
      known.startedAtMs = startedAtMs;
      known.budget.beginAnew();
      known.budget.line.advance();
    }
    return known.budget;
  }

  #openScope(name: string, limits: BudgetLimits): Budget {
    const budget = this.#scoped.get(name) ?? new Budget(name, limits, this.#onReached);
    this.#scoped.set(name, budget);
    return budget;
  }
}
