import { z } from "zod";
import type { Pricing } from "../cost/pricing.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { CandidateOptions } from "../options/candidate-options.ts";
import { checkOptions } from "../options/check-options.ts";
import { secret, url } from "../options/value-schemas.ts";

const BASE_URL = "https://api.holysheep.ai/v1";

/** A model of HolySheep. */
export type HolySheepModel = "claude-sonnet-4.5" | "deepseek-v3.2" | "gemini-2.5-flash" | "gpt-4.1";

/**
 * Output prices in USD per million tokens, the cheapest first.
 *
 * Source: HolySheep's price comparison of 14 April 2026,
 * https://www.holysheep.ai/articles/en-2026nianai-apidingjiadazhangpt-54-vs-claude-46-vs--2026-04-14-0007.html.
 * Its articles differ about input prices, all of them lower. So the output price counts for input too: costs
 * are an upper bound, and a budget is kept.
 */
const OUTPUT_PRICES_USD: Readonly<Record<HolySheepModel, number>> = {
  "deepseek-v3.2": 0.42,
  "gemini-2.5-flash": 2.5,
  "gpt-4.1": 8,
  "claude-sonnet-4.5": 15,
};

const MODELS = Object.keys(OUTPUT_PRICES_USD) as HolySheepModel[];

/** Options of {@link holySheep}. */
export interface HolySheepOptions {
  /**
   * The chain.
   *
   * @default all four models, the cheapest first
   */
  readonly models?: readonly HolySheepModel[] | undefined;

  /**
   * The key.
   *
   * @default `HOLYSHEEP_API_KEY`
   */
  readonly apiKey?: string | undefined;

  /**
   * Another address of the gateway, for tests.
   *
   * @default "https://api.holysheep.ai/v1"
   */
  readonly baseURL?: string | undefined;
}

/** What {@link holySheep} returns: options of `ResilientChatModel`. */
export interface HolySheepChain {
  /** The models with their prices. */
  readonly models: readonly CandidateOptions[];
  /** The key. */
  readonly apiKey: string;
  /** The gateway's address. */
  readonly baseURL: string;
}

const optionsSchema = z.strictObject({
  models: z.array(z.enum(MODELS)).min(1).default(MODELS),
  apiKey: secret.optional(),
  baseURL: url.default(BASE_URL),
});

/**
 * Options for the models of HolySheep, an OpenAI-compatible gateway, with their prices as of April 2026.
 *
 * @throws InvalidOptionsError if an option cannot be used, or there is no key
 * @example
 * ```ts
 * import { ResilientChatModel } from "@threadkeep/resilient-llm";
 * import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
 *
 * const model = new ResilientChatModel({ ...holySheep(), budget: { maxCostUsd: 5 } });
 * ```
 */
export function holySheep(options: HolySheepOptions = {}): HolySheepChain {
  const { models, baseURL, ...given } = checkOptions("holySheep", optionsSchema, options);
  const apiKey = given.apiKey ?? process.env["HOLYSHEEP_API_KEY"];
  if (!apiKey) {
    throw new InvalidOptionsError(
      "No API key for HolySheep: set the option apiKey or the variable HOLYSHEEP_API_KEY",
    );
  }
  return {
    models: models.map((model) => ({ model, pricing: createPricing(OUTPUT_PRICES_USD[model]) })),
    apiKey,
    baseURL,
  };
}

function createPricing(perMillionUsd: number): Pricing {
  return { inputPerMillionUsd: perMillionUsd, outputPerMillionUsd: perMillionUsd };
}
