import type { BudgetLimits, ExpenseForecast } from "./budget.ts";
import { toPicoUsd } from "./pico-usd.ts";

/** An expense in whole numbers. */
export interface Amount {
  readonly picoUsd: bigint;
  readonly tokens: number;
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

/** What a request may cost, in whole numbers. */
export function measureForecast({ least, upper }: ExpenseForecast): {
  readonly upper: Amount;
  readonly least: Amount;
} {
  return {
    upper: { picoUsd: toPicoUsd(upper.costUsd ?? 0), tokens: upper.tokens },
    least: { picoUsd: toPicoUsd(least.costUsd ?? 0), tokens: least.tokens },
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
  const { least, upper } = measureForecast(forecast);
  const leftPicoUsd = most.picoUsd === undefined ? undefined : most.picoUsd - spent.picoUsd;
  const leftTokens = most.tokens === undefined ? undefined : most.tokens - spent.tokens;
  const fits = (amount: Amount, beside: Amount): boolean =>
    (leftPicoUsd === undefined || amount.picoUsd + beside.picoUsd <= leftPicoUsd) &&
    (leftTokens === undefined || amount.tokens + beside.tokens <= leftTokens);
  if (fits(upper, reserved)) return { verdict: "reserved", taken: upper };
  if (!fits(least, { picoUsd: 0n, tokens: 0 })) return { verdict: "refused" };
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
