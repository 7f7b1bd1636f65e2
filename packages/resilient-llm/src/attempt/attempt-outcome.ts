import type { TokenUsage } from "../cost/token-usage.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";

/** What the provider said about its answer. */
export interface AnswerFacts {
  readonly finishReason: string | undefined;
  readonly responseId: string | undefined;
  readonly responseModel: string | undefined;
}

/** Whether an attempt got its answer. A failure is a value here; it's thrown once, at the edge. */
export type AttemptEnding<Value> =
  | {
      readonly status: "succeeded";
      readonly value: Value;
      readonly facts: AnswerFacts;
      /** The answer used up a rate limit; until it is filled again, in ms. */
      readonly exhaustedForMs: number | undefined;
    }
  | { readonly status: "failed"; readonly failure: Failure; readonly partial?: PartialAnswer }
  | { readonly status: "aborted"; readonly reason: unknown };

/** How an attempt ended, and what it took. */
export type AttemptOutcome<Value> = AttemptEnding<Value> & {
  readonly usage: TokenUsage;
  readonly durationMs: number;
  /** Until the first content; `undefined` if none came or it wasn't a stream. */
  readonly firstTokenMs: number | undefined;
};
