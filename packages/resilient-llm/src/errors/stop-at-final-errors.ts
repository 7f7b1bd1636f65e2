import type { RunnableRetryFailedAttemptHandler } from "@langchain/core/runnables";
import { ThreadkeepError } from "./threadkeep-error.ts";

/**
 * An `onFailedAttempt` for LangChain's `withRetry` that ends the retries at a final error of this
 * package: the model has made every useful attempt, and another round would only multiply the requests.
 * Other errors go to `onFailedAttempt`, or are retried if there is none.
 *
 * The model has it built in, as have the results of `bindTools` and `withStructuredOutput`. Use it where
 * a chain with the model in it is retried.
 *
 * @example
 * ```ts
 * const chain = prompt.pipe(model).pipe(parser).withRetry({ onFailedAttempt: stopAtFinalErrors() });
 * ```
 */
export function stopAtFinalErrors(
  onFailedAttempt?: RunnableRetryFailedAttemptHandler,
): RunnableRetryFailedAttemptHandler {
  return (error: unknown, input: unknown): unknown => {
    if (ThreadkeepError.isInstance(error) && error.isFinal) throw error;
    return onFailedAttempt?.(error, input);
  };
}
