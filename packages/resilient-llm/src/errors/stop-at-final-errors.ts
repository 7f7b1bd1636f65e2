import type { RunnableRetryFailedAttemptHandler } from "@langchain/core/runnables";
import { ThreadkeepError } from "./threadkeep-error.ts";

/**
 * An `onFailedAttempt` for LangChain's `withRetry` that ends the retries at an error of this package
 * that is final: the model has made every attempt that made sense, and another round would only
 * multiply the requests. Other errors are left to `onFailedAttempt`; without it they are retried.
 *
 * The model's own `withRetry`, and that of what `bindTools` and `withStructuredOutput` return, has it
 * built in. It's needed where a chain with the model in it is retried.
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
