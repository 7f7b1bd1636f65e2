import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import type { CallTimeline } from "./call-timeline.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";

/** Writes down how an attempt ended, once: budgets, costs, timeline, events. */
export function bookAttempt(
  { costs, events }: CallContext,
  { spender }: CallRequest,
  timeline: CallTimeline,
  attempt: PreparedAttempt,
  outcome: AttemptOutcome<unknown>,
): void {
  const { candidate, reference } = attempt;
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
    opensCall: reference.attempt === 1,
  });
  timeline.add(attempt, outcome, costUsd);
  if (!events.hasListeners) return;
  const result = { ...reference, durationMs, firstTokenMs, usage, costUsd };
  if (outcome.status === "succeeded") {
    events.emit({ type: "attempt-succeeded", ...outcome.facts, ...result });
  } else if (outcome.status === "failed") {
    events.emit({ type: "attempt-failed", failure: outcome.failure, ...result });
  } else {
    events.emit({ type: "attempt-aborted", ...result });
  }
}
