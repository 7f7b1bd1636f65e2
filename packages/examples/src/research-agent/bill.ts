import type { UsageMetadata } from "@langchain/core/messages";

/** What answers cost. */
export interface Bill {
  readonly answers: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Nothing was asked yet. */
export const EMPTY_BILL: Bill = { answers: 0, inputTokens: 0, outputTokens: 0 };

/** What an answer cost when it was asked for. One from the journal says the same. */
export function billOf({
  usage_metadata: usage,
}: {
  readonly usage_metadata?: UsageMetadata | undefined;
}): Bill {
  return {
    answers: 1,
    inputTokens: usage?.input_tokens ?? 0,
    outputTokens: usage?.output_tokens ?? 0,
  };
}

/** Both together. */
export function addBills(left: Bill, right: Bill): Bill {
  return {
    answers: left.answers + right.answers,
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
  };
}
