import { z } from "zod";
import type { BudgetPeriod } from "../cost/budget-period.ts";
import type { BudgetLimits } from "../cost/budget.ts";
import type { CostLedger } from "../cost/cost-ledger.ts";
import { count, objectWith } from "./value-schemas.ts";

/** Limits that may be full again after a while. */
export interface PeriodicLimits extends BudgetLimits {
  /**
   * After how long the budget is full again: each day or month of UTC, by the clock of the ledger's storage.
   *
   * @default never
   */
  readonly period?: BudgetPeriod | undefined;
}

/** Budgets that all processes share. A call keeps to each of those that it belongs to. */
export interface LedgerBudgetOptions {
  /**
   * Limits for all calls that the ledger books.
   *
   * @default no limits
   */
  readonly total?: BudgetLimits | undefined;
  /**
   * Limits for all calls of a day of UTC.
   *
   * @default no limits
   */
  readonly perDay?: BudgetLimits | undefined;
  /**
   * Limits for each `configurable.thread_id`.
   *
   * @default no limits
   */
  readonly perThread?: PeriodicLimits | undefined;
  /**
   * Limits for each `configurable.run_id`.
   *
   * @default no limits
   */
  readonly perRun?: BudgetLimits | undefined;
  /**
   * Limits for each `configurable.user_id`.
   *
   * @default no limits
   */
  readonly perUser?: PeriodicLimits | undefined;
  /**
   * What happens under a limit in USD with a model whose price is not known. `refuse`: it is not asked.
   * `allow`: it is asked, and counts nothing in USD.
   *
   * @default "refuse"
   */
  readonly onUnknownPrice?: "refuse" | "allow" | undefined;
  /**
   * What happens while the ledger cannot be reached. `refuse`: nothing is asked, and calls fail with a
   * `LedgerUnavailableError`. `allow`: models are asked, and what that costs may exceed the budgets.
   *
   * @default "refuse"
   */
  readonly onUnavailable?: "refuse" | "allow" | undefined;
}

/** A ledger, and how it is used. */
export interface LedgerOptions {
  /** Where requests are booked. */
  readonly store: CostLedger;

  /**
   * Budgets that all processes share.
   *
   * @default none
   */
  readonly budget?: LedgerBudgetOptions | undefined;

  /**
   * Milliseconds that a call waits for the ledger. An answer is handed out when it is booked, or after this time:
   * then the event `ledger-failed` tells of it, and it is booked as soon as that is possible.
   *
   * @default 2_000
   */
  readonly timeoutMs?: number | undefined;

  /**
   * Milliseconds after which what a request has reserved is free again if its process has died. The process
   * renews them as long as it lives.
   *
   * @default 60_000
   */
  readonly reservationMs?: number | undefined;
}

/** Ledger options with every default filled in. */
export interface ResolvedLedger {
  readonly store: CostLedger;
  readonly budget: LedgerBudgetOptions;
  readonly timeoutMs: number;
  readonly reservationMs: number;
}

/** A shorter reservation would end between two beats of a busy process. */
const SHORTEST_RESERVATION_MS = 500;

const limits = { maxCostUsd: z.number().nonnegative().optional(), maxTokens: count.optional() };
const periodic = z.strictObject({ ...limits, period: z.enum(["day", "month"]).optional() });
const plain = z.strictObject(limits);

const store = objectWith<CostLedger>("book", "sum", "total", "reserve", "renew", "settle", "read");

const options = z.strictObject({
  store,
  budget: z
    .strictObject({
      total: plain.optional(),
      perDay: plain.optional(),
      perThread: periodic.optional(),
      perRun: plain.optional(),
      perUser: periodic.optional(),
      onUnknownPrice: z.enum(["refuse", "allow"]).optional(),
      onUnavailable: z.enum(["refuse", "allow"]).optional(),
    })
    .prefault({}),
  timeoutMs: z.number().positive().default(2_000),
  reservationMs: z.number().min(SHORTEST_RESERVATION_MS).default(60_000),
});

function isStore(value: unknown): value is CostLedger {
  return store.safeParse(value).success;
}

/** A ledger by itself, or options with one. */
export const ledger: z.ZodType<ResolvedLedger> = z.preprocess(
  (value) => (isStore(value) ? { store: value } : value),
  options,
);
