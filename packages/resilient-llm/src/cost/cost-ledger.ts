import type { BudgetPeriod } from "./budget-period.ts";
import type { BudgetLimits, Expense, ExpenseForecast } from "./budget.ts";
import type { CostEntry, CostTotals } from "./cost-account.ts";

/** One request to a provider, as the ledger keeps it. */
export interface LedgerEntry extends CostEntry {
  /** Made before the request is sent, so that whoever books the request books it under the same id. */
  readonly id: string;
  /** The model, by its name in the chain. Its endpoints have candidates of their own. */
  readonly model: string;
}

/** By what costs are added up. A day is one of UTC, by the clock of the storage. */
export type CostDimension = "thread" | "run" | "user" | "model" | "day";

/** Which entries are added up. */
export interface CostFilter {
  /** Only what was booked at or after this time. */
  readonly from?: Date | undefined;
  /** Only what was booked before this time. */
  readonly to?: Date | undefined;
  /** Only this thread. */
  readonly threadId?: string | undefined;
  /** Only this run. */
  readonly runId?: string | undefined;
  /** Only this user. */
  readonly userId?: string | undefined;
  /** Only this model. */
  readonly model?: string | undefined;
}

/** Which entries are added up, and how many sums are wanted. */
export interface CostQuery extends CostFilter {
  /**
   * So many sums at most: the dearest, or the latest days.
   *
   * @default 1_000
   */
  readonly limit?: number | undefined;
}

/** What was spent by one thread, run, user or model, or on one day. */
export interface CostSum extends CostTotals {
  /**
   * The thread, run, user, model, or the day as in `2026-11-27`. `undefined`: what belongs to no thread, run or
   * user.
   */
  readonly key: string | undefined;
}

/** A budget that all processes share. */
export interface LedgerBudget {
  /** Tells budgets apart. The same for the same budget in each process. */
  readonly id: string;
  /** How messages and events call it. */
  readonly name: string;
  /** The most that may be spent. */
  readonly limits: BudgetLimits;
  /** After how long it is full again, by the clock of the storage. `undefined`: never. */
  readonly period: BudgetPeriod | undefined;
  /** Which entries count. What they cost so far is spent already when the budget is used first. */
  readonly counts: Pick<CostFilter, "threadId" | "runId" | "userId">;
}

/** Where a budget stands. */
export interface BudgetState {
  /** What has been spent in the running period. */
  readonly spent: Expense;
  /** What is set aside for requests under way. */
  readonly reserved: Expense;
}

/** What a budget says to a request. */
export interface ReservationResult extends BudgetState {
  /**
   * `reserved`: it may be made. `wait`: it may fit when what others have reserved is settled. `refused`: too little
   * is left.
   */
  readonly verdict: "reserved" | "wait" | "refused";
}

/** A request that is to be paid for. */
export interface LedgerReservation {
  /** The id of its entry. Reserved again, it is reserved once. */
  readonly id: string;
  /** What it may cost. */
  readonly forecast: ExpenseForecast;
  /** Milliseconds after which the reservation expires unless it is renewed, by the clock of the storage. */
  readonly holdMs: number;
}

/**
 * Keeps what requests have used and cost, for all processes, and the budgets that they share. There is one in
 * memory, for tests and single processes, and one on MongoDB.
 */
export interface CostLedger {
  /** Keeps an entry, once: if its id is known, nothing changes. */
  book(entry: LedgerEntry): Promise<void>;
  /** Adds entries up, by `dimension`. Days come in their order, everything else the dearest first. */
  sum(dimension: CostDimension, query?: CostQuery): Promise<readonly CostSum[]>;
  /** Adds entries up. */
  total(filter?: CostFilter): Promise<CostTotals>;
  /** Sets aside what a request may cost, if the budget has room for it. Of any number of callers, none oversteps it. */
  reserve(budget: LedgerBudget, reservation: LedgerReservation): Promise<ReservationResult>;
  /** Lets a reservation last so many milliseconds more. One that has been settled stays so. */
  renew(budget: LedgerBudget, id: string, holdMs: number): Promise<void>;
  /**
   * Counts what a request has cost in place of its reservation, once. Returns what was spent before and after, or
   * `undefined` if there is no such reservation.
   */
  settle(
    budget: LedgerBudget,
    id: string,
    actual: Expense,
  ): Promise<{ readonly before: Expense; readonly after: Expense } | undefined>;
  /** Where a budget stands. */
  read(budget: LedgerBudget): Promise<BudgetState>;
}
