/** Tokens of one attempt or of many. */
export interface TokenUsage {
  /** All tokens of the prompt, however they are priced. */
  readonly inputTokens: number;
  /** Part of `inputTokens`: read from the provider's prompt cache. */
  readonly cachedInputTokens: number;
  /** Part of `inputTokens`: written to the provider's prompt cache. */
  readonly cacheWriteInputTokens: number;
  /** All tokens that were generated, thinking included. */
  readonly outputTokens: number;
  /** Part of `outputTokens`: thinking. */
  readonly reasoningTokens: number;
  /** Whether the provider reported nothing, so that the tokens are estimated, to within some 10 %. */
  readonly estimated: boolean;
  /**
   * Whether the provider reported zeros for an answer that has content, as local servers do. The tokens
   * are then estimated, and their cost is unknown unless the model's price is zero.
   */
  readonly isUnmetered: boolean;
  /** The cost that the provider reported, in USD; `undefined` if it reported none. */
  readonly reportedCostUsd: number | undefined;
}

/** Tokens as they are counted here where a provider does not report them. */
export interface TokenEstimate {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Usage of nothing. */
export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  isUnmetered: false,
  reportedCostUsd: undefined,
};

/** Usage that was counted here. */
export function createEstimatedUsage(estimate: TokenEstimate): TokenUsage {
  return { ...NO_USAGE, ...estimate, estimated: true };
}

/** Usage of an answer that is reported in parts. A cost is for the whole answer, so the later one counts. */
export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    cacheWriteInputTokens: left.cacheWriteInputTokens + right.cacheWriteInputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: left.reasoningTokens + right.reasoningTokens,
    estimated: left.estimated || right.estimated,
    isUnmetered: left.isUnmetered || right.isUnmetered,
    reportedCostUsd: right.reportedCostUsd ?? left.reportedCostUsd,
  };
}
