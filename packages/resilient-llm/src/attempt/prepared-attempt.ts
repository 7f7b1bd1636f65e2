import type { BaseMessage } from "@langchain/core/messages";
import type { AskedSize } from "../candidate/answer-times.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import type { Reservation } from "../cost/budget.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import type { Clock } from "../time/clock.ts";
import type { AnswerKeeping } from "../wire/answer-keeping.ts";
import type { AnswerCheck } from "./answer-check.ts";
import type { TimeLimits } from "./time-limits.ts";

/** An attempt that may be made now. */
export interface PreparedAttempt {
  /** The ledger knows the attempt by it. */
  readonly id: string;
  /** From 1 within the call. */
  readonly number: number;
  readonly candidate: Candidate;
  readonly messages: BaseMessage[];
  readonly options: CallOptions;
  readonly asked: AskedSize;
  readonly streaming: boolean;
  /** A whole answer is asked for as a stream where the model can, because it may take long. */
  readonly prefersStream: boolean;
  /** What the answer has to be. `undefined`: any answer will do. */
  readonly check: AnswerCheck | undefined;
  /** An empty answer is one like any other. */
  readonly acceptsEmpty: boolean;
  readonly limits: TimeLimits;
  /** The largest body of a whole answer, and the largest event of a streamed one, in bytes. */
  readonly maxResponseBytes: number;
  readonly clock: Clock;
  /** In ms since the epoch. */
  readonly startedAtMs: number;
  /** The attempt finds out whether the candidate is back. The breaker lets no other one through. */
  readonly isProbe: boolean;
  readonly reservation: Reservation;
  /** Gives the attempt's share of the candidate's rate limit back. */
  readonly giveBackRate: () => Promise<void>;
  /** Told of a whole answer that comes as a stream, as far as it has come. */
  readonly onPartial?: (partial: PartialAnswer) => void;
  /** How the answer outlives this process. `undefined`: it does not. */
  readonly keeping?: AnswerKeeping | undefined;
}
