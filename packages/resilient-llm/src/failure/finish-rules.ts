import type { FailureKind } from "./failure.ts";

/** One line of the table. The first rule whose pattern is found decides. */
interface FinishRule {
  /** What the end is: a failure, or `cut` at a limit, which is an answer. */
  readonly means: FailureKind | "cut";
  /** Found anywhere in the finish reason, in any case: providers put theirs into longer strings. */
  readonly reason: RegExp;
  readonly source: string;
}

/**
 * What a finish reason says about the answer. One that no rule knows (`stop`, `tool_calls`, `end_turn`,
 * `eos`) is the end of an ordinary answer.
 */
const FINISH_RULES: readonly FinishRule[] = [
  {
    means: "cut",
    reason:
      /^(?:length|max_(?:output_|completion_|new_)?tokens|model_length|model_context_window_exceeded)$/i,
    source: "OpenAI, Anthropic, Google, Mistral",
  },
  {
    means: "content-filter",
    reason:
      /content_?filter|sensitive|safety|prohibited|recitation|blocklist|\bspii\b|refusal|guardrail/i,
    source: "OpenAI, Zhipu, Google, Anthropic, Bedrock",
  },
  {
    means: "failed-generation",
    reason: /malformed|unexpected_tool_call|too_many_tool_calls|missing_thought_signature/i,
    source: "Google",
  },
  {
    means: "server-error",
    reason: /insufficient_system_resource|error|abort|cancell?ed|time_?out/i,
    source: "DeepSeek, Zhipu network_error, vLLM abort, OpenRouter error",
  },
];

/** What a finish reason says; `undefined` for the end of an ordinary answer. */
export function readFinish(finishReason: string | undefined): FinishRule["means"] | undefined {
  if (finishReason === undefined || finishReason === "stop") return undefined;
  return FINISH_RULES.find(({ reason }) => reason.test(finishReason))?.means;
}
