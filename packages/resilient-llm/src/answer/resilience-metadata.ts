import type { TokenUsage } from "../cost/token-usage.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";

/** What every answer carries as `response_metadata.resilience`. */
export interface ResilienceMetadata {
  /** Name of the candidate that gave the answer. */
  readonly candidate: string;
  /** Attempts that were made for the answer. */
  readonly attempts: number;
  /** Cost of all attempts in USD. `null`: that of one is not known. */
  readonly costUsd: number | null;
  /** All of `costUsd` is what the provider itself says. */
  readonly costReported: boolean;
  /** The provider reported no usage, so `usage_metadata` is estimated. */
  readonly usageEstimated: boolean;
  /** The answer was cut off at the token limit. */
  readonly cutAtLimit: boolean;
}

/** Finish reasons of an answer cut off at its limit: OpenAI's, Anthropic's, the Responses API's. */
const CUT_REASONS = new Set<string | undefined>(["length", "max_tokens", "max_output_tokens"]);

/** Whether providers have said what each attempt that cost anything did cost. */
function isCostReported(records: readonly AttemptRecord[]): boolean {
  const costly = records.filter(({ costUsd }) => costUsd !== 0);
  const isSaid = records.some(({ costSource }) => costSource === "provider");
  return isSaid && costly.every(({ costSource }) => costSource === "provider");
}

/** Sums a call up that was answered. */
export function describeResilience(
  records: readonly AttemptRecord[],
  usage: TokenUsage | undefined,
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
    costReported: isCostReported(records),
    usageEstimated: usage?.estimated ?? false,
    cutAtLimit: CUT_REASONS.has(finishReason),
  };
}
