import { calcPrice } from "@pydantic/genai-prices";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { priceUsage } from "./pricing.ts";
import { noUsage } from "./token-usage.ts";

const million = { ...noUsage, inputTokens: 1_000_000, outputTokens: 1_000_000 };

it("a price given wins over the tables; cached input costs what it's said to cost", () => {
  const pricing = { inputPerMillionUsd: 2, outputPerMillionUsd: 8 };
  expect(priceUsage(million, "gpt-4o", pricing)).toBe(10);
  const cached = { ...million, cachedInputTokens: 500_000 };
  expect(priceUsage(cached, "gpt-4o", pricing)).toBe(10);
  expect(priceUsage(cached, "gpt-4o", { ...pricing, cachedInputPerMillionUsd: 1 })).toBe(9.5);
});

it("an unknown model has no price, not the price 0", () => {
  expect(priceUsage(million, "nobody-knows-this", undefined)).toBeUndefined();
  expect(priceUsage(noUsage, "nobody-knows-this", undefined)).toBeUndefined();
});

it("known models cost what the tables say, flat or not, short prompt or long", () => {
  const models = ["gpt-4o", "gpt-4.1", "claude-sonnet-4-5", "gemini-2.5-pro", "deepseek-chat"];
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      fc.nat(500_000),
      fc.nat(100),
      fc.nat(50_000),
      (model, input, cachedPerCent, output) => {
        const cachedInputTokens = Math.floor((input * cachedPerCent) / 100);
        const usage = { ...noUsage, inputTokens: input, cachedInputTokens, outputTokens: output };
        const expected = calcPrice(
          { input_tokens: input, cache_read_tokens: cachedInputTokens, output_tokens: output },
          model,
        );
        expect(priceUsage(usage, model, undefined)).toBeCloseTo(
          expected?.total_price ?? Number.NaN,
          9,
        );
      },
    ),
  );
});
