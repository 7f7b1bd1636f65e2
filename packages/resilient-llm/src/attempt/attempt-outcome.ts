import type { TokenUsage } from "../cost/token-usage.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";
import type { SimulatedFaultMark } from "../failure/simulated-fault-kind.ts";

/** What the provider said about its answer. */
export interface AnswerFacts {
  readonly finishReason: string | undefined;
  readonly responseId: string | undefined;
  readonly responseModel: string | undefined;
}

/** An attempt got its answer. */
export interface AttemptSuccess<Value> {
  readonly status: "succeeded";
  readonly value: Value;
  readonly facts: AnswerFacts;
  /** The answer used up a rate limit. Time until the limit is filled again, in ms. */
  readonly exhaustedForMs: number | undefined;
}

/** An answer that ended properly and carries nothing. It is handed out if nobody has more to say. */
export interface EmptyAnswer<Value> {
  readonly value: Value;
  readonly facts: AnswerFacts;
}

/** An attempt ended without an answer, by a failure or by the caller's signal. */
export type AttemptInterruption<Value = unknown> =
  | {
      readonly status: "failed";
      readonly failure: Failure;
      readonly empty?: EmptyAnswer<Value>;
      /** The part of a whole answer that had come when it was cut. */
      readonly partial?: PartialAnswer;
    }
  | { readonly status: "aborted"; readonly reason: unknown };

/** What an attempt used and how long it took. */
export interface AttemptMeasures {
  /** `undefined`: nothing was generated. Where the provider reports no usage, it is estimated. */
  readonly usage: TokenUsage | undefined;
  readonly durationMs: number;
  /** Time until the first content. `undefined` if none came or the answer was not streamed. */
  readonly firstTokenMs: number | undefined;
  /** The simulated fault that it met. */
  readonly simulatedFault?: SimulatedFaultMark;
}

/**
 * How an attempt ended, and what it took. A failure is a value here. It is thrown once, when the call
 * ends.
 */
export type AttemptOutcome<Value> = (AttemptSuccess<Value> | AttemptInterruption<Value>) &
  AttemptMeasures;
