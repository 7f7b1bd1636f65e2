import type { BaseMessage } from "@langchain/core/messages";
import type { AttemptLimits } from "./attempt-scope.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { Reservation } from "../cost/budget.ts";
import type { AttemptReference } from "../telemetry/events.ts";

/** An attempt that may be made now. */
export interface PreparedAttempt {
  /** From 1 within the call. */
  readonly number: number;
  readonly candidate: Candidate;
  readonly messages: BaseMessage[];
  readonly limits: AttemptLimits;
  readonly streaming: boolean;
  readonly startedAtMs: number;
  /** It is to find out whether the candidate is back; its breaker lets no other attempt through. */
  readonly isProbe: boolean;
  readonly reservation: Reservation;
  readonly giveBackRate: () => Promise<void>;
}

/** How events name an attempt. */
export function referTo({ candidate, number }: PreparedAttempt, callId: string): AttemptReference {
  const { model, baseUrl } = candidate.endpoint;
  const { name, provider } = candidate;
  return { callId, attempt: number, candidate: name, model, provider, baseUrl };
}
