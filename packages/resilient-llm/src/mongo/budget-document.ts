import type { Document } from "mongodb";
import { type Amount, measureLimits, toAmount, toExpense } from "../cost/budget-room.ts";
import type { BudgetState, LedgerBudget, LedgerReservation } from "../cost/cost-ledger.ts";
import { inMs, literal } from "./server-time.ts";
import { long, readWhole, type Whole } from "./whole-numbers.ts";

/** A budget as it is stored. Money is in whole trillionths of a dollar, as 64-bit integers. */
export interface BudgetDocument extends Document {
  readonly _id: string;
  readonly spent_pico_usd: Whole;
  readonly spent_tokens: number;
  /** When the running period began. */
  readonly period_started_at: Date;
  /** What requests have set aside: those that are under way, and those whose process has died. */
  readonly reserved: readonly {
    readonly id: string;
    readonly pico_usd: Whole;
    readonly tokens: number;
    readonly until: Date;
  }[];
  /** What of it had not expired when somebody asked last. */
  readonly held_count?: number;
  readonly held_pico_usd?: Whole;
  readonly held_tokens?: number;
  /** The server's time when somebody asked last. */
  readonly asked_at?: Date;
  /** What was said to the request that asked last. */
  readonly verdict?: "reserved" | "wait" | "refused";
}

/** A reservation that has expired is kept so long: its process may only have slept. */
const KEPT_EXPIRED_MS = 24 * 60 * 60 * 1_000;

/** A budget that nobody has used for so long is forgotten. Its next use counts the entries anew. */
const UNUSED_MS = 30 * 24 * 60 * 60 * 1_000;

/** When the period began that the server's time lies in. */
export function findPeriodStart({ period }: LedgerBudget): unknown {
  if (period === undefined) return new Date(0);
  return { $dateTrunc: { date: "$$NOW", unit: period, timezone: "UTC" } };
}

/** Puts a budget into the period that the server's time lies in. What is reserved stays so. */
function beginPeriod(budget: LedgerBudget): Document[] {
  const startedAt = findPeriodStart(budget);
  const isRunning = { $eq: ["$period_started_at", startedAt] };
  return [
    {
      $set: {
        spent_pico_usd: { $cond: [isRunning, "$spent_pico_usd", long(0n)] },
        spent_tokens: { $cond: [isRunning, "$spent_tokens", 0] },
        period_started_at: startedAt,
        expires_at: inMs(UNUSED_MS),
      },
    },
  ];
}

/** A list without the reservation of a request. */
function withoutReservation(id: string): Document {
  return { $filter: { input: "$reserved", cond: { $ne: ["$$this.id", literal(id)] } } };
}

/** The first state of a budget: what its entries have cost is spent. */
export function openBudget(budget: LedgerBudget, spent: Amount): Document[] {
  const isNew = { $eq: [{ $type: "$reserved" }, "missing"] };
  const first = {
    _id: literal(budget.id),
    spent_pico_usd: long(spent.picoUsd),
    spent_tokens: spent.tokens,
    period_started_at: findPeriodStart(budget),
    reserved: [],
    expires_at: inMs(UNUSED_MS),
  };
  return [{ $replaceWith: { $cond: [isNew, first, "$$ROOT"] } }];
}

/** Finds out where a budget stands at the server's time. */
export function refreshBudget(budget: LedgerBudget): Document[] {
  const isKept = { $gt: ["$$this.until", inMs(-KEPT_EXPIRED_MS)] };
  return [
    ...beginPeriod(budget),
    {
      $set: {
        asked_at: "$$NOW",
        reserved: { $filter: { input: "$reserved", cond: isKept } },
      },
    },
    ...countHeld(),
  ];
}

/** Adds up what is reserved and has not expired. */
function countHeld(): Document[] {
  const isLive = { $gt: ["$$this.until", "$$NOW"] };
  const sum = (field: string) => ({ $sum: { $map: { input: "$held", in: `$$this.${field}` } } });
  return [
    { $set: { held: { $filter: { input: "$reserved", cond: isLive } } } },
    {
      $set: {
        held_pico_usd: sum("pico_usd"),
        held_tokens: sum("tokens"),
        held_count: { $size: "$held" },
      },
    },
    { $unset: "held" },
  ];
}

/** Sets an expense aside if there is room, as {@link findRoom} decides. */
export function reserveInBudget(
  budget: LedgerBudget,
  { forecast, holdMs, id }: LedgerReservation,
): Document[] {
  const limits = measureLimits(budget.limits);
  const [least, upper] = [toAmount(forecast.least), toAmount(forecast.upper)];
  const leftPicoUsd = limits.picoUsd !== undefined && {
    $subtract: [long(limits.picoUsd), "$spent_pico_usd"],
  };
  const leftTokens = limits.tokens !== undefined && { $subtract: [limits.tokens, "$spent_tokens"] };
  /** Whether so much fits into what is left, beside what is held. */
  const fits = (picoUsd: unknown, tokens: unknown): unknown => ({
    $and: [
      ...(leftPicoUsd === false ? [] : [{ $lte: [picoUsd, leftPicoUsd] }]),
      ...(leftTokens === false ? [] : [{ $lte: [tokens, leftTokens] }]),
    ],
  });
  const upperFits = fits(
    { $add: [long(upper.picoUsd), "$held_pico_usd"] },
    { $add: [upper.tokens, "$held_tokens"] },
  );
  const leastFits = fits(long(least.picoUsd), least.tokens);
  const ifAlone = { $cond: [{ $gt: ["$held_count", 0] }, "wait", "reserved"] };
  const atMost = (amount: unknown, left: unknown): unknown =>
    left === false ? amount : { $min: [amount, left] };
  return [
    { $set: { reserved: withoutReservation(id) } },
    ...refreshBudget(budget),
    {
      $set: {
        verdict: {
          $cond: [upperFits, "reserved", { $cond: [leastFits, ifAlone, "refused"] }],
        },
        taken: {
          id: literal(id),
          pico_usd: {
            $cond: [upperFits, long(upper.picoUsd), atMost(long(upper.picoUsd), leftPicoUsd)],
          },
          tokens: { $cond: [upperFits, upper.tokens, atMost(upper.tokens, leftTokens)] },
          until: inMs(holdMs),
        },
      },
    },
    {
      $set: {
        reserved: {
          $cond: [
            { $eq: ["$verdict", "reserved"] },
            { $concatArrays: ["$reserved", ["$taken"]] },
            "$reserved",
          ],
        },
      },
    },
    { $unset: "taken" },
    ...countHeld(),
  ];
}

/** Lets a reservation last longer. */
export function renewInBudget(id: string, holdMs: number): Document[] {
  const renewed = { $mergeObjects: ["$$this", { until: inMs(holdMs) }] };
  const isMeant = { $eq: ["$$this.id", literal(id)] };
  return [
    {
      $set: {
        reserved: { $map: { input: "$reserved", in: { $cond: [isMeant, renewed, "$$this"] } } },
      },
    },
  ];
}

/** Counts an expense in place of a reservation. */
export function settleInBudget(budget: LedgerBudget, id: string, actual: Amount): Document[] {
  return [
    ...beginPeriod(budget),
    {
      $set: {
        spent_pico_usd: { $add: ["$spent_pico_usd", long(actual.picoUsd)] },
        spent_tokens: { $add: ["$spent_tokens", actual.tokens] },
        reserved: withoutReservation(id),
      },
    },
  ];
}

/** What has been spent of a budget. */
export function readSpent({ spent_pico_usd, spent_tokens }: BudgetDocument): Amount {
  return { picoUsd: readWhole(spent_pico_usd), tokens: spent_tokens };
}

/** Where a budget stands. */
export function readState(document: BudgetDocument): BudgetState {
  const { held_pico_usd = 0, held_tokens = 0 } = document;
  const held = { picoUsd: readWhole(held_pico_usd), tokens: held_tokens };
  return { spent: toExpense(readSpent(document)), reserved: toExpense(held) };
}
