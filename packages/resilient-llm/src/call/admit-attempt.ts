import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import type { Spender } from "../cost/budget-book.ts";
import type { Expense, Reservation } from "../cost/budget.ts";
import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import type { SharedState } from "./shared-state.ts";

/** Answer tokens a budget or rate limit counts on where the candidate names no maximum. */
const ASSUMED_OUTPUT_TOKENS = 4096;
/** Estimates of prompts may be this much too low. */
const ESTIMATE_HEADROOM = 1.25;

const NOTHING: Expense = { costUsd: 0, tokens: 0 };
const giveBackNothing = async (): Promise<void> => {};

/** The attempt may be made, and this was taken for it. */
export interface Grant {
  readonly verdict: "granted";
  readonly isProbe: boolean;
  readonly reservation: Reservation;
  readonly giveBackRate: () => Promise<void>;
}

/** Whether an attempt may be made: yes, after a wait, or not at this price. */
export type Admission =
  | Grant
  | { readonly verdict: "wait"; readonly waitMs: number }
  | { readonly verdict: "refused"; readonly refusal: string };

/** What an attempt may use at most. Reads the whole prompt, so it is asked only where there are limits. */
function estimateExpense(candidate: Candidate, messages: readonly BaseMessage[]): Expense {
  const inputTokens = Math.ceil(estimatePromptTokens(messages) * ESTIMATE_HEADROOM);
  const outputTokens = candidate.maxOutputTokens ?? ASSUMED_OUTPUT_TOKENS;
  const usage = { ...noUsage, inputTokens, outputTokens };
  const costUsd = priceUsage(usage, candidate.endpoint.model, candidate.pricing);
  return { tokens: inputTokens + outputTokens, costUsd };
}

/**
 * Asks breaker, budgets and rate limit. Takes nothing if one of them says no. Returns at once where
 * there is no rate limit.
 */
export function admitAttempt(
  { budgets, events }: SharedState,
  spender: Spender,
  candidate: Candidate,
  messages: readonly BaseMessage[],
): Admission | Promise<Admission> {
  const { rateLimiter } = candidate;
  const isLimited = budgets.isLimited || rateLimiter !== undefined;
  const expense = isLimited ? estimateExpense(candidate, messages) : NOTHING;
  const isProbe = candidate.admit();
  const reservation = budgets.reserve(spender, expense, candidate.name);
  if ("refusal" in reservation) {
    candidate.release(isProbe);
    return { verdict: "refused", refusal: reservation.refusal };
  }
  const grant: Grant = {
    verdict: "granted",
    isProbe,
    reservation,
    giveBackRate: giveBackNothing,
  };
  if (!rateLimiter) return grant;
  return rateLimiter.take(expense.tokens).then(
    (decision) => {
      if (decision.granted) return { ...grant, giveBackRate: decision.giveBack };
      candidate.release(isProbe);
      reservation.settle(NOTHING);
      return { verdict: "wait", waitMs: decision.waitMs };
    },
    (error: unknown) => {
      // The provider guards its limits by itself. A counter out of reach must not end the call.
      events.emit({ type: "rate-limiter-failed", candidate: candidate.name, error });
      return grant;
    },
  );
}

/** Gives everything back: the attempt is not made after all. */
export function withdrawGrant(
  candidate: Candidate,
  { isProbe, reservation, giveBackRate }: Grant,
): void {
  reservation.settle(NOTHING);
  candidate.release(isProbe);
  giveBackRate().catch(() => undefined);
}
