import { expect, it } from "vitest";
import { ModelCosts } from "./model-costs.ts";
import { createEstimatedUsage, NO_USAGE } from "./token-usage.ts";

const PRICING = { inputPerMillionUsd: 2, outputPerMillionUsd: 8 };
const MILLIONS = { ...NO_USAGE, inputTokens: 1_000_000, outputTokens: 1_000_000 };

function createCosts(options: Partial<ConstructorParameters<typeof ModelCosts>[0]>): ModelCosts {
  return new ModelCosts({
    model: "gpt-4o",
    baseUrl: "https://llm.example.com/v1",
    pricing: undefined,
    maxOutputTokens: undefined,
    ...options,
  });
}

it("the provider's own figure wins over a price given, and a price given over the tables", () => {
  const usage = { ...MILLIONS, reportedCostUsd: 7 };
  const priced = createCosts({ pricing: PRICING });
  expect(priced.costOf(usage)).toEqual({ usd: 7, source: "provider" });
  expect(priced.costOf(MILLIONS)).toEqual({ usd: 10, source: "pricing" });
  expect(createCosts({}).costOf(MILLIONS)).toEqual({ usd: 12.5, source: "price-table" });
});

it("an unknown price is no price, also of nothing", () => {
  const costs = createCosts({ model: "nobody-knows-this" });
  expect(costs.costOf(MILLIONS)).toEqual({ usd: undefined, source: undefined });
  expect(costs.costOf(NO_USAGE)).toEqual({ usd: undefined, source: undefined });
});

it("what a server that does not count cost is unknown, or nothing if it is free", () => {
  const estimate = createEstimatedUsage({ inputTokens: 1000, outputTokens: 100 });
  const usage = { ...estimate, isUnmetered: true };
  expect(createCosts({ pricing: PRICING }).costOf(usage).usd).toBeUndefined();
  expect(createCosts({ pricing: "free" }).costOf(usage)).toEqual({ usd: 0, source: "pricing" });
});

it("a limit on the output is what is expected, whatever was seen before", () => {
  const costs = createCosts({ maxOutputTokens: 500 });
  costs.learn({ ...NO_USAGE, outputTokens: 10 });
  expect(costs.forecastOutput()).toEqual({ upperTokens: 500, leastTokens: 500 });
});
