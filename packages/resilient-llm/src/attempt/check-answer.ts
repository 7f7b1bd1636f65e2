import type { BaseMessage } from "@langchain/core/messages";
import { quoteMessage } from "../failure/quote-message.ts";
import type { AttemptInterruption } from "./attempt-outcome.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";

/** Why an answer is not what the caller needs. `undefined`: it is. */
export async function checkAnswer(
  { candidate, check }: PreparedAttempt,
  message: BaseMessage | undefined,
): Promise<AttemptInterruption<never> | undefined> {
  const problem = message && (await check?.findProblem(message));
  if (problem === undefined) return undefined;
  const { baseUrl, model, secrets } = candidate.endpoint;
  return {
    status: "failed",
    failure: {
      kind: "failed-generation",
      message: `${model} at ${baseUrl} did not answer in the shape that was asked for: ${quoteMessage(problem, secrets)}`,
    },
  };
}
