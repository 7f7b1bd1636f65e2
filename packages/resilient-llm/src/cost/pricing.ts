import { calcPrice } from "@pydantic/genai-prices";
import type { TokenUsage } from "./token-usage.ts";

/** Price of a model in USD per million tokens. */
export interface Pricing {
  readonly inputPerMillionUsd: number;
  readonly outputPerMillionUsd: number;
  /** Input tokens the provider took from its cache; default: the price of input. */
  readonly cachedInputPerMillionUsd?: number | undefined;
}

const million = 1_000_000;

/**
 * Cost of some usage in USD, by the given price, else by the tables of `@pydantic/genai-prices`.
 * `undefined` if neither knows the model: an unknown price is never taken for 0.
 */
export function priceUsage(
  usage: TokenUsage,
  model: string,
  pricing: Pricing | undefined,
): number | undefined {
  if (pricing) {
    const cached = pricing.cachedInputPerMillionUsd ?? pricing.inputPerMillionUsd;
    return (
      ((usage.inputTokens - usage.cachedInputTokens) * pricing.inputPerMillionUsd +
        usage.cachedInputTokens * cached +
        usage.outputTokens * pricing.outputPerMillionUsd) /
      million
    );
  }
  const result = calcPrice(
    {
      input_tokens: usage.inputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      output_tokens: usage.outputTokens,
    },
    model,
  );
  return result?.total_price;
}
