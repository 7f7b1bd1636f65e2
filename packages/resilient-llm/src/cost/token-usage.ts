import type { UsageMetadata } from "@langchain/core/messages";

/** Tokens of one attempt or of many. Cached and reasoning tokens are part of input and output. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** The provider didn't report it; counted here instead, and off by some per cent. */
  readonly estimated: boolean;
}

/** Usage of nothing. */
export const noUsage: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
};

/** LangChain's usage in this package's shape; `undefined` if it holds no counts. */
export function readUsage(usage: Partial<UsageMetadata> | undefined): TokenUsage | undefined {
  if (!usage || (!usage.input_tokens && !usage.output_tokens)) return undefined;
  return {
    inputTokens: usage.input_tokens ?? 0,
    cachedInputTokens: usage.input_token_details?.cache_read ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    reasoningTokens: usage.output_token_details?.reasoning ?? 0,
    estimated: false,
  };
}

/** The sum; estimated as soon as one part is. */
export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: left.reasoningTokens + right.reasoningTokens,
    estimated: left.estimated || right.estimated,
  };
}
