import type { BaseMessage } from "@langchain/core/messages";
import type { AskedSize } from "../candidate/answer-times.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import { measurePromptTokens } from "../context/prompt-size.ts";

/** What integrations call the limit of an answer's length in the options of a call. */
const MAX_OUTPUT_OPTIONS = [
  "max_completion_tokens",
  "max_tokens",
  "maxTokens",
  "max_output_tokens",
  "maxOutputTokens",
] as const;

function findMaxOutput(options: CallOptions): number | undefined {
  for (const name of MAX_OUTPUT_OPTIONS) {
    const value = options[name];
    if (typeof value === "number" && value > 0) return value;
  }
  return undefined;
}

/** The same request if its answer is as long as the model's usually are: late is what takes longer. */
export function expectUsualLength({ costs }: Candidate, asked: AskedSize): AskedSize {
  const { upperTokens } = costs.forecastOutput();
  return { ...asked, maxOutputTokens: Math.min(upperTokens, asked.maxOutputTokens ?? Infinity) };
}

/** What a request to `candidate` asks for, as far as it decides how long the answer takes. */
export function measureAsked(
  { costs, inner }: Candidate,
  messages: readonly BaseMessage[],
  options: CallOptions,
): AskedSize {
  return {
    promptTokens: measurePromptTokens(messages),
    maxOutputTokens:
      findMaxOutput(options) ?? findMaxOutput(inner.boundOptions) ?? costs.maxOutputTokens,
  };
}
