import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import type { CallTimeline } from "./call-timeline.ts";
import { type PreparedAttempt, referTo } from "../attempt/prepared-attempt.ts";

/** Writes down how an attempt of `call` ended, once: budgets, costs, timeline, events. */
export function bookAttempt(
  { costs, events }: CallContext,
  { spender }: CallRequest,
  call: { readonly id: string },
  timeline: CallTimeline,
  attempt: PreparedAttempt,
  outcome: AttemptOutcome<unknown>,
): void {
  const { candidate, number } = attempt;
  const { usage, durationMs, firstTokenMs } = outcome;
  const costUsd =
    usage === noUsage ? 0 : priceUsage(usage, candidate.endpoint.model, candidate.pricing);
  attempt.reservation.settle({ costUsd, tokens: usage.inputTokens + usage.outputTokens });
  costs.book({
    candidate: candidate.name,
    spender,
    usage,
    costUsd,
    outcome: outcome.status,
    opensCall: number === 1,
  });
  timeline.add(attempt, outcome, costUsd);
  if (!events.hasListeners) return;
  const reference = referTo(attempt, call.id);
  const result = { ...reference, durationMs, firstTokenMs, usage, costUsd };
  if (outcome.status === "succeeded") {
    events.emit({ type: "attempt-succeeded", ...outcome.facts, ...result });
  } else if (outcome.status === "failed") {
    events.emit({ type: "attempt-failed", failure: outcome.failure, ...result });
  } else {
    events.emit({ type: "attempt-aborted", ...result });
  }
}
