import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import type { Expense, Reservation } from "../cost/budget.ts";
import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import type { CallContext, CallRequest } from "./call-context.ts";

/** Answer tokens a budget or rate limit counts on where the candidate names no maximum. */
const assumedOutputTokens = 4096;
/** Estimates of prompts may be this much too low. */
const estimateHeadroom = 1.25;

const nothing: Expense = { costUsd: 0, tokens: 0 };
const giveBackNothing = async (): Promise<void> => {};

/** Whether an attempt may be made: yes, after a wait, or not at this price. */
export type Admission =
  | {
      readonly verdict: "granted";
      readonly isProbe: boolean;
      readonly reservation: Reservation;
      readonly giveBackRate: () => Promise<void>;
    }
  | { readonly verdict: "wait"; readonly waitMs: number }
  | { readonly verdict: "refused"; readonly refusal: string };

/** What an attempt may use at most. Reads the whole prompt, so it's asked only where there are limits. */
function estimateExpense(candidate: Candidate, messages: readonly BaseMessage[]): Expense {
  const inputTokens = Math.ceil(estimatePromptTokens(messages) * estimateHeadroom);
  const outputTokens = candidate.maxOutputTokens ?? assumedOutputTokens;
  const usage = { ...noUsage, inputTokens, outputTokens };
  const costUsd = priceUsage(usage, candidate.endpoint.model, candidate.pricing);
  return { tokens: inputTokens + outputTokens, costUsd };
}

/**
 * Asks breaker, budgets and rate limit; takes nothing if one of them says no. Whether the attempt is
 * the probe is decided before anything is awaited: of many calls that found it due, one may make it.
 */
export function admitAttempt(
  { budgets, events }: CallContext,
  { spender }: CallRequest,
  candidate: Candidate,
  messages: readonly BaseMessage[],
): Admission | Promise<Admission> {
  const { breaker, rateLimiter } = candidate;
  const isLimited = budgets.isLimited || rateLimiter !== undefined;
  const expense = isLimited ? estimateExpense(candidate, messages) : nothing;
  const isProbe = breaker.begin();
  const reservation = budgets.reserve(spender, expense, candidate.name);
  if ("refusal" in reservation) {
    breaker.release(isProbe);
    return { verdict: "refused", refusal: reservation.refusal };
  }
  const granted = {
    verdict: "granted",
    isProbe,
    reservation,
    giveBackRate: giveBackNothing,
  } as const;
  if (!rateLimiter) return granted;
  return rateLimiter.take(expense.tokens).then(
    (decision) => {
      if (decision.granted) return { ...granted, giveBackRate: decision.giveBack };
      breaker.release(isProbe);
      reservation.settle(nothing);
      return { verdict: "wait", waitMs: decision.waitMs };
    },
    (error: unknown) => {
      // The provider guards its limits by itself; a counter out of reach must not end the call.
      events.emit({ type: "rate-limiter-failed", candidate: candidate.name, error });
      return granted;
    },
  );
}

/** Gives everything back: the attempt isn't made after all. */
export function withdrawAdmission(
  candidate: Candidate,
  { isProbe, reservation, giveBackRate }: Admission & { readonly verdict: "granted" },
): void {
  reservation.settle(nothing);
  candidate.breaker.release(isProbe);
  giveBackRate().catch(() => undefined);
}
