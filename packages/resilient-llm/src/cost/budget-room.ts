import type { BudgetLimits, Expense, ExpenseForecast } from "./budget.ts";
import { fromPicoUsd, toPicoUsd } from "./pico-usd.ts";

/** An expense in whole numbers. */
export interface Amount {
  readonly picoUsd: bigint;
  readonly tokens: number;
}

/** Nothing. */
export const NO_AMOUNT: Amount = { picoUsd: 0n, tokens: 0 };

/** An expense in whole numbers. What is not known costs nothing. */
export function toAmount({ costUsd = 0, tokens }: Expense): Amount {
  return { picoUsd: toPicoUsd(costUsd), tokens };
}

/** An expense as everybody else knows it. */
export function toExpense({ picoUsd, tokens }: Amount): Expense {
  return { costUsd: fromPicoUsd(picoUsd), tokens };
}

/** Both together. */
export function addAmounts(left: Amount, right: Amount): Amount {
  return { picoUsd: left.picoUsd + right.picoUsd, tokens: left.tokens + right.tokens };
}

/** What is left of the first one without the second one. */
export function subtractAmounts(left: Amount, right: Amount): Amount {
  return { picoUsd: left.picoUsd - right.picoUsd, tokens: left.tokens - right.tokens };
}

/** What is known of a budget when a request asks for room in it. */
export interface BudgetUse {
  readonly spent: Amount;
  readonly reserved: Amount;
  /** Whether anything is reserved. */
  readonly isShared: boolean;
}

/** What a request gets of a budget. */
export type Room =
  | { readonly verdict: "reserved"; readonly taken: Amount }
  | { readonly verdict: "wait" | "refused" };

/** The limits in whole numbers. `undefined`: there is none. */
export function measureLimits({ maxCostUsd, maxTokens }: BudgetLimits): {
  readonly picoUsd: bigint | undefined;
  readonly tokens: number | undefined;
} {
  return {
    picoUsd: maxCostUsd === undefined ? undefined : toPicoUsd(maxCostUsd),
    tokens: maxTokens,
  };
}

/**
 * What a request gets of a budget: what it may cost at most, if there is so much room. If nobody else is spending,
 * and what it needs at least is left, it gets all that is left: an answer is rarely as long as it may be. The ledger
 * on MongoDB computes the same on the server.
 */
export function findRoom(
  limits: BudgetLimits,
  forecast: ExpenseForecast,
  { isShared, reserved, spent }: BudgetUse,
): Room {
  const most = measureLimits(limits);
  const [least, upper] = [toAmount(forecast.least), toAmount(forecast.upper)];
  const leftPicoUsd = most.picoUsd === undefined ? undefined : most.picoUsd - spent.picoUsd;
  const leftTokens = most.tokens === undefined ? undefined : most.tokens - spent.tokens;
  const fits = (amount: Amount, beside: Amount): boolean =>
    (leftPicoUsd === undefined || amount.picoUsd + beside.picoUsd <= leftPicoUsd) &&
    (leftTokens === undefined || amount.tokens + beside.tokens <= leftTokens);
  if (fits(upper, reserved)) return { verdict: "reserved", taken: upper };
  if (!fits(least, NO_AMOUNT)) return { verdict: "refused" };
  if (isShared) return { verdict: "wait" };
  return {
    verdict: "reserved",
    taken: {
      picoUsd:
        leftPicoUsd !== undefined && leftPicoUsd < upper.picoUsd ? leftPicoUsd : upper.picoUsd,
      tokens: Math.min(upper.tokens, leftTokens ?? Infinity),
    },
  };
}

/** Why an expense does not fit into a budget. */
export function explainLack(
  name: string,
  { maxCostUsd, maxTokens }: BudgetLimits,
  { reserved, spent }: { readonly spent: Expense; readonly reserved: Expense },
  { costUsd = 0, tokens }: Expense,
): string {
  const leftTokens = Math.max(0, (maxTokens ?? Infinity) - spent.tokens - reserved.tokens);
  if (tokens > leftTokens) {
    return `${name}: ${leftTokens} of ${maxTokens} tokens are left and the next attempt may use ${tokens}`;
  }
  const usedUsd = (spent.costUsd ?? 0) + (reserved.costUsd ?? 0);
  const leftUsd = Math.max(0, (maxCostUsd ?? Infinity) - usedUsd);
  return `${name}: $${leftUsd.toFixed(6)} of $${maxCostUsd} are left and the next attempt may cost $${costUsd.toFixed(6)}`;
}
