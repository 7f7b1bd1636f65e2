import type { CandidateOptions } from "../options/candidate-options.ts";
import type { Pricing } from "../cost/pricing.ts";
import { OptionsError } from "../errors/options-error.ts";
import type { ResilientChatModelOptions } from "../options/resilient-chat-model-options.ts";

const baseURL = "https://api.holysheep.ai/v1";

/** A model of HolySheep. */
export type HolySheepModel = "claude-sonnet-4.5" | "deepseek-v3.2" | "gemini-2.5-flash" | "gpt-4.1";

function flat(perMillionUsd: number): Pricing {
  return { inputPerMillionUsd: perMillionUsd, outputPerMillionUsd: perMillionUsd };
}

/** HolySheep's models with their prices per million tokens, input and output alike. */
const prices: Readonly<Record<HolySheepModel, Pricing>> = {
  "deepseek-v3.2": flat(0.42),
  "gemini-2.5-flash": flat(2.5),
  "gpt-4.1": flat(8),
  "claude-sonnet-4.5": flat(15),
};

/** What {@link holySheep} may be told. */
export interface HolySheepOptions {
  /** The chain. Default: all four, the cheapest first. */
  readonly models?: readonly HolySheepModel[] | undefined;
  /** Default: `HOLYSHEEP_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Another address of the same gateway, for tests. */
  readonly baseURL?: string | undefined;
}

/**
 * Options for the models of HolySheep, an OpenAI-compatible gateway, with their prices.
 *
 * @throws {OptionsError} If there is no key.
 * @example
 * ```ts
 * const model = new ResilientChatModel({ ...holySheep(), budget: { maxCostUsd: 5 } });
 * ```
 */
export function holySheep(
  options: HolySheepOptions = {},
): Pick<ResilientChatModelOptions, "apiKey" | "baseURL" | "models"> {
  const apiKey = options.apiKey ?? process.env["HOLYSHEEP_API_KEY"];
  if (!apiKey) {
    throw new OptionsError(
      "No API key for HolySheep: set the variable HOLYSHEEP_API_KEY or the option apiKey",
    );
  }
  const names = options.models ?? (Object.keys(prices) as HolySheepModel[]);
  const models: CandidateOptions[] = names.map((model) => ({ model, pricing: prices[model] }));
  return { models, apiKey, baseURL: options.baseURL ?? baseURL };
}
