import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import type { RateLimitDecision } from "../candidate/rate-limiter.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import type { Reservation } from "../cost/budget.ts";
import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import type { CallContext, CallRequest } from "./call-context.ts";

/** Answer tokens a budget or rate limit counts on where the candidate names no maximum. */
const assumedOutputTokens = 4096;
/** Estimates of prompts may be this much too low. */
const estimateHeadroom = 1.25;

const nothing = { costUsd: 0, tokens: 0 };
const noReservation: Reservation = { settle: () => {} };

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

/** Reserves with budgets and rate limit what an attempt may use at most; nothing if one of them says no. */
export async function admitAttempt(
  context: CallContext,
  { spender }: CallRequest,
  candidate: Candidate,
  messages: readonly BaseMessage[],
  isProbe: boolean,
): Promise<Admission> {
  const { budgets, events } = context;
  const { rateLimiter, endpoint, pricing } = candidate;
  const grant = (reservation: Reservation, giveBackRate = async () => {}): Admission => ({
    verdict: "granted",
    isProbe,
    reservation,
    giveBackRate,
  });
  // Estimating reads the whole prompt; without limits nobody wants to know.
  if (!budgets.isLimited && !rateLimiter) return grant(noReservation);
  const inputTokens = Math.ceil(estimatePromptTokens(messages) * estimateHeadroom);
  const outputTokens = candidate.maxOutputTokens ?? assumedOutputTokens;
  const tokens = inputTokens + outputTokens;
  const usage = { ...noUsage, inputTokens, outputTokens };
  const costUsd = budgets.isLimited ? priceUsage(usage, endpoint.model, pricing) : 0;
  const reservation = budgets.reserve(spender, { tokens, costUsd }, candidate.name);
  if ("refusal" in reservation) return { verdict: "refused", refusal: reservation.refusal };
  if (!rateLimiter) return grant(reservation);
  let decision: RateLimitDecision;
  try {
    decision = await rateLimiter.take(tokens);
  } catch (error) {
    // The provider guards its limits by itself; a counter out of reach must not end the call.
    events.emit({ type: "rate-limiter-failed", candidate: candidate.name, error });
    return grant(reservation);
  }
  if (decision.granted) return grant(reservation, decision.giveBack);
  reservation.settle(nothing);
  return { verdict: "wait", waitMs: decision.waitMs };
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
