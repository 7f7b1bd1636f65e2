import type { BaseMessage } from "@langchain/core/messages";
import type { AttemptLimits } from "../attempt/attempt-scope.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { Reservation } from "../cost/budget.ts";
import type { AttemptReference } from "../telemetry/events.ts";

/** An attempt that may be made now. */
export interface PreparedAttempt {
  readonly reference: AttemptReference;
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
