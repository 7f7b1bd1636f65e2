import type { TokenUsage } from "./token-usage.ts";

/** Price of a model in USD per million tokens. */
export interface Pricing {
  /** Input tokens. */
  readonly inputPerMillionUsd: number;
  /** Output tokens, thinking included. */
  readonly outputPerMillionUsd: number;
  /**
   * Input tokens that the provider read from its prompt cache.
   *
   * @default the price of input
   */
  readonly cachedInputPerMillionUsd?: number | undefined;
  /**
   * Input tokens that the provider wrote to its prompt cache.
   *
   * @default the price of input
   */
  readonly cacheWritePerMillionUsd?: number | undefined;
}

const MILLION = 1_000_000;

/** The price of a model that costs nothing, such as one on a server of your own. */
export const FREE: Pricing = { inputPerMillionUsd: 0, outputPerMillionUsd: 0 };

/** What some usage costs at a price, in USD. Each token of the input is priced once. */
export function priceTokens(usage: TokenUsage, pricing: Pricing): number {
  const { inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens } = usage;
  const { inputPerMillionUsd, outputPerMillionUsd } = pricing;
  const cached = pricing.cachedInputPerMillionUsd ?? inputPerMillionUsd;
  const cacheWrite = pricing.cacheWritePerMillionUsd ?? inputPerMillionUsd;
  const plainTokens = Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens);
  return (
    (plainTokens * inputPerMillionUsd +
      cachedInputTokens * cached +
      cacheWriteInputTokens * cacheWrite +
      outputTokens * outputPerMillionUsd) /
    MILLION
  );
}
