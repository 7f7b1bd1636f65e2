import { findTablePrice, type TablePrice } from "./price-table.ts";
import { type OutputForecast, OutputHistory } from "./output-forecast.ts";
import { FREE, priceTokens, type Pricing } from "./pricing.ts";
import type { TokenUsage } from "./token-usage.ts";

/**
 * Where the cost of an attempt comes from: the provider's own figure, the option `pricing`, or the tables of
 * `@pydantic/genai-prices`.
 */
export type CostSource = "provider" | "pricing" | "price-table";

/** What an attempt cost. */
export interface Cost {
  /** USD; `undefined` if it is not known. */
  readonly usd: number | undefined;
  /** `undefined` if it is not known, or nothing was used. */
  readonly source: CostSource | undefined;
}

/** What is to be known of a model to say what it costs. */
export interface CostSubject {
  /** Its name as the endpoint knows it. */
  readonly model: string;
  readonly baseUrl: string;
  readonly pricing: Pricing | "free" | undefined;
  /** No answer is longer, in tokens: the request says so. */
  readonly maxOutputTokens: number | undefined;
}

/** Cost of an attempt that used nothing. */
export const NO_COST: Cost = { usd: 0, source: undefined };

const UNKNOWN_COST: Cost = { usd: undefined, source: undefined };

/** What one model costs: its price, which is looked up once, and how long its answers usually are. */
export class ModelCosts {
  readonly #subject: CostSubject;
  readonly #pricing: Pricing | undefined;
  readonly #history = new OutputHistory();
  /** `null`: not looked up yet. */
  #tablePrice: TablePrice | null | undefined = null;

  constructor(subject: CostSubject) {
    const { pricing } = subject;
    this.#subject = subject;
    this.#pricing = pricing === "free" ? FREE : pricing;
  }

  /** What some usage cost. A figure of the provider's own wins; an unknown price is never 0. */
  costOf(usage: TokenUsage): Cost {
    if (usage.reportedCostUsd !== undefined) {
      return { usd: usage.reportedCostUsd, source: "provider" };
    }
    const usd = this.estimateUsd(usage);
    if (usd === undefined) return UNKNOWN_COST;
    // Who reports zeros was not paid by the token; only a price of 0 says what that cost.
    if (usage.isUnmetered && usd > 0) return UNKNOWN_COST;
    return { usd, source: this.#pricing ? "pricing" : "price-table" };
  }

  /** What some usage costs at the model's price, in USD, whatever the provider says of it. */
  estimateUsd(usage: TokenUsage): number | undefined {
    if (this.#pricing) return priceTokens(usage, this.#pricing);
    if (this.#tablePrice === null) {
      this.#tablePrice = findTablePrice(this.#subject.model, this.#subject.baseUrl);
    }
    return this.#tablePrice?.(usage);
  }

  /** No answer is longer, in tokens. `undefined`: requests do not say. */
  get maxOutputTokens(): number | undefined {
    return this.#subject.maxOutputTokens;
  }

  /** How long the next answer may be. A limit that is sent along holds whatever was seen before. */
  forecastOutput(): OutputForecast {
    const { maxOutputTokens } = this.#subject;
    return maxOutputTokens === undefined
      ? this.#history.forecast
      : { upperTokens: maxOutputTokens, leastTokens: maxOutputTokens };
  }

  /** Learns from a complete answer. */
  learn({ outputTokens }: TokenUsage): void {
    this.#history.add(outputTokens);
  }
}
