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

/** What the tables say about a model: one price, a price that depends on the call, or nothing. */
type TablePrice = Pricing | "varies" | "unknown";

/** Looking a model up means matching its name against every provider's patterns: once is enough. */
const tablePrices = new Map<string, TablePrice>();

function lookUp(model: string): TablePrice {
  const found = calcPrice({ input_tokens: 1 }, model);
  if (!found) return "unknown";
  const { input_mtok: input, cache_read_mtok: cached, output_mtok: output } = found.model_price;
  // Prices by time of day or by length of the prompt are worked out call by call.
  const isFlat =
    !Array.isArray(found.model.prices) &&
    typeof input === "number" &&
    typeof output === "number" &&
    typeof (cached ?? input) === "number";
  return isFlat
    ? {
        inputPerMillionUsd: input,
        outputPerMillionUsd: output,
        cachedInputPerMillionUsd: (cached ?? input) as number,
      }
    : "varies";
}

function readTable(model: string): TablePrice {
  const known = tablePrices.get(model);
  if (known !== undefined) return known;
  const price = lookUp(model);
  tablePrices.set(model, price);
  return price;
}

/**
 * Cost of some usage in USD, by the given price, else by the tables of `@pydantic/genai-prices`.
 * `undefined` if neither knows the model: an unknown price is never taken for 0.
 */
export function priceUsage(
  usage: TokenUsage,
  model: string,
  pricing: Pricing | undefined,
): number | undefined {
  const price = pricing ?? readTable(model);
  if (price === "unknown") return undefined;
  if (price === "varies") {
    const tokens = {
      input_tokens: usage.inputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      output_tokens: usage.outputTokens,
    };
    return calcPrice(tokens, model)?.total_price;
  }
  const cached = price.cachedInputPerMillionUsd ?? price.inputPerMillionUsd;
  return (
    ((usage.inputTokens - usage.cachedInputTokens) * price.inputPerMillionUsd +
      usage.cachedInputTokens * cached +
      usage.outputTokens * price.outputPerMillionUsd) /
    million
  );
}
