import type { TokenUsage } from "../cost/token-usage.ts";
import type { UsageMetadata } from "@langchain/core/messages";
import type { AttemptRecord } from "../failure/attempt-record.ts";

/** What every answer carries as `response_metadata.resilience`. */
export interface ResilienceMetadata {
  /** Name of the candidate that gave the answer. */
  readonly candidate: string;
  /** Attempts it took. */
  readonly attempts: number;
  /** Cost of all attempts in USD; `null` if a price isn't known. */
  readonly costUsd: number | null;
  /** The provider reported no usage; `usage_metadata` was counted here. */
  readonly usageEstimated: boolean;
  /** The answer ended at the token limit, not at its end. */
  readonly cutAtLimit: boolean;
}

/** What providers say of an answer that ended at its limit: OpenAI, Anthropic, OpenAI's Responses API. */
const cutReasons = new Set<string | undefined>(["length", "max_tokens", "max_output_tokens"]);

/** Sums up a call that was answered. */
export function describeResilience(
  records: readonly AttemptRecord[],
  usage: TokenUsage,
  finishReason: string | undefined,
): ResilienceMetadata {
  let costUsd: number | null = 0;
  for (const record of records) {
    costUsd = costUsd === null || record.costUsd === undefined ? null : costUsd + record.costUsd;
  }
  return {
    candidate: records.findLast((record) => record.outcome === "succeeded")?.candidate ?? "",
    attempts: records.length,
    costUsd,
    usageEstimated: usage.estimated,
    cutAtLimit: cutReasons.has(finishReason),
  };
}

/** Usage in LangChain's shape. */
export function toUsageMetadata(usage: TokenUsage): UsageMetadata {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
