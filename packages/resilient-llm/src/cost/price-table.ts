import { calcPrice, type PriceCalculation, type TieredPrices } from "@pydantic/genai-prices";
import { type Pricing, priceTokens } from "./pricing.ts";
import { NO_USAGE, type TokenUsage } from "./token-usage.ts";

/** How a model is asked for in the tables of `@pydantic/genai-prices`. */
interface PriceQuery {
  readonly model: string;
  readonly provider: { readonly providerApiUrl?: string; readonly providerId?: string };
}

type Rates = PriceCalculation["model_price"];

/** The tables' price of a model: what some usage costs, in USD. */
export type TablePrice = (usage: TokenUsage) => number;

/** Prefixes of gateways for providers that the tables call otherwise. */
const PROVIDER_IDS: Readonly<Record<string, string>> = {
  azure_ai: "azure",
  bedrock_converse: "aws",
  fireworks_ai: "fireworks",
  vertex_ai: "google",
  "z-ai": "zai",
};

/** Suffixes by which OpenRouter chooses among hosts or adds a search; the model's price stays. */
const ROUTING_SUFFIX = /:(?:exacto|extended|floor|nitro|online)$/;

/** What a price may count beside tokens by the million, and what `Pricing` has no word for. */
const OTHER_UNITS = /^(?:requests_kcount|output_reasoning_mtok|output_citation_mtok)$/;

/** The name and what is left of it prefix by prefix: `a/b/c`, `b/c`, `c`. */
function listNames(model: string): string[] {
  const names = [model];
  const unrouted = model.replace(ROUTING_SUFFIX, "");
  if (unrouted !== model) names.push(unrouted);
  for (let slash = unrouted.indexOf("/"); slash !== -1; slash = unrouted.indexOf("/", slash + 1)) {
    names.push(unrouted.slice(slash + 1));
  }
  return names;
}

/** A provider that the name begins with, as gateways write it: `azure/gpt-4o`, `openai:gpt-4o`. */
function readPrefix(
  model: string,
): { readonly providerId: string; readonly rest: string } | undefined {
  const [, prefix, rest] = /^([\w.-]+)[/:](.+)$/.exec(model) ?? [];
  if (prefix === undefined || rest === undefined) return undefined;
  return { providerId: PROVIDER_IDS[prefix.toLowerCase()] ?? prefix, rest };
}

/**
 * Under which names a model may be in the tables, the surest first: at the provider whose URL is
 * called, at the provider that its name begins with, by its name alone, and last as OpenRouter and
 * Bedrock list the models of many makers.
 */
function* listQueries(model: string, baseUrl: string): Generator<PriceQuery> {
  const names = listNames(model);
  if (URL.canParse(baseUrl)) {
    const provider = { providerApiUrl: baseUrl };
    for (const name of names) yield { model: name, provider };
  }
  for (const name of names) {
    const prefixed = readPrefix(name);
    if (!prefixed) continue;
    const provider = { providerId: prefixed.providerId };
    for (const rest of listNames(prefixed.rest)) yield { model: rest, provider };
  }
  for (const name of names) yield { model: name, provider: {} };
  for (const name of names) {
    yield { model: name, provider: { providerId: name.includes("/") ? "openrouter" : "aws" } };
  }
}

function ask(query: PriceQuery, usage: TokenUsage): PriceCalculation | undefined {
  const tokens = {
    input_tokens: usage.inputTokens,
    cache_read_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteInputTokens,
    output_tokens: usage.outputTokens,
  };
  return calcPrice(tokens, query.model, query.provider) ?? undefined;
}

/** The price of one kind of token. Beyond the start of a tier, its price is that of all tokens. */
function readRate(
  price: number | TieredPrices | undefined,
  inputTokens: number,
): number | undefined {
  if (price === undefined || typeof price === "number") return price;
  const reached = price.tiers.filter(({ start }) => inputTokens > start);
  return reached.length === 0
    ? price.base
    : reached.reduce((highest, tier) => (tier.start > highest.start ? tier : highest)).price;
}

function toPricing(rates: Rates, inputTokens: number): Pricing {
  return {
    inputPerMillionUsd: readRate(rates["input_mtok"], inputTokens) ?? 0,
    outputPerMillionUsd: readRate(rates["output_mtok"], inputTokens) ?? 0,
    cachedInputPerMillionUsd: readRate(rates["cache_read_mtok"], inputTokens),
    cacheWritePerMillionUsd: readRate(rates["cache_write_mtok"], inputTokens),
  };
}

/**
 * The price of a model in the tables of `@pydantic/genai-prices`, by the URL it is called at and by
 * its name with or without prefixes; `undefined` if they do not know it.
 *
 * A search takes some tenths of a millisecond, so callers keep what they get.
 */
export function findTablePrice(model: string, baseUrl: string): TablePrice | undefined {
  for (const query of listQueries(model, baseUrl)) {
    const found = ask(query, NO_USAGE);
    if (!found) continue;
    const { model: listed, model_price: rates } = found;
    // A price that changes with the time of day, or counts more than tokens, is asked for each time.
    const isPlain =
      !Array.isArray(listed.prices) && !Object.keys(rates).some((key) => OTHER_UNITS.test(key));
    if (!isPlain) return (usage) => ask(query, usage)?.total_price ?? 0;
    const isTiered = Object.values(rates).some((rate) => typeof rate === "object");
    if (isTiered) return (usage) => priceTokens(usage, toPricing(rates, usage.inputTokens));
    const pricing = toPricing(rates, 0);
    return (usage) => priceTokens(usage, pricing);
  }
  return undefined;
}
