import type { Failure } from "../failure/failure.ts";
import { failurePolicies } from "../failure/failure-policy.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

/** What an answer says about its candidate, for the calls to come. */
export function noteSuccess(
  { candidate, streaming }: PreparedAttempt,
  outcome: AttemptOutcome<unknown> & { readonly status: "succeeded" },
  retries: number,
  nowMs: number,
): void {
  if (outcome.exhaustedForMs !== undefined) candidate.block(nowMs + outcome.exhaustedForMs);
  candidate.breaker.succeed();
  candidate.avoidedUntilMs = 0;
  candidate.retryQuota.giveBack(retries);
  if (outcome.firstTokenMs !== undefined) candidate.firstTokenLimit.record(outcome.firstTokenMs);
  else if (!streaming) candidate.totalLimit.record(outcome.durationMs);
}

/** What a failure says about its candidate, for the calls to come. */
export function noteFailure(
  { candidate, isProbe, limits, streaming }: PreparedAttempt,
  failure: Failure,
  durationMs: number,
  nowMs: number,
): void {
  if (failurePolicies[failure.kind].breaker) candidate.breaker.fail(nowMs, isProbe);
  // An error that never left this process says nothing; any other answer shows it's there.
  else if (failure.kind === "unknown") candidate.breaker.release(isProbe);
  else if (candidate.breaker.openedAtMs !== undefined) candidate.breaker.succeed();
  if (failure.kind === "timeout") {
    if (failure.phase === "first-token") {
      candidate.firstTokenLimit.recordCensored(limits.firstTokenMs);
    } else if (failure.phase === "total" && !streaming) {
      candidate.totalLimit.recordCensored(durationMs);
    }
  }
  if (failure.waitHintMs !== undefined) candidate.block(nowMs + failure.waitHintMs);
}

/**
 * An attempt was given up because another candidate was quicker.
 *
 * @param wasLate It was the first of the two. A hedge cut short says nothing about its candidate.
 */
export function noteLost(
  { candidate, isProbe, streaming }: PreparedAttempt,
  durationMs: number,
  wasLate: boolean,
): void {
  candidate.breaker.release(isProbe);
  if (!wasLate) return;
  // Left out, the slow ones would vanish from the window and the limits shrink with each hedge.
  const limit = streaming ? candidate.firstTokenLimit : candidate.totalLimit;
  limit.recordCensored(durationMs);
}
