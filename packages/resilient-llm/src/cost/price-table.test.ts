import { calcPrice } from "@pydantic/genai-prices";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { findTablePrice } from "./price-table.ts";
import { NO_USAGE } from "./token-usage.ts";

const UNKNOWN_URL = "https://llm.example.com/v1";

it("an unknown model has no price, not the price 0", () => {
  for (const model of ["nobody-knows-this", "openai/nobody-knows-this", "ft:gpt-4o-mini:me::1"]) {
    expect(findTablePrice(model, UNKNOWN_URL)).toBeUndefined();
  }
});

it("a model without a URL is found by its name", () => {
  expect(findTablePrice("claude-sonnet-4-5", "ChatAnthropic")).toBeDefined();
});

it("known models cost what the tables say, flat or not, short prompt or long, cached or not", () => {
  const models = [
    "gpt-4o",
    "gpt-4.1",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "gemini-2.5-pro",
    "deepseek-chat",
    "grok-4",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      fc.nat(500_000),
      fc.nat(50),
      fc.nat(50),
      fc.nat(50_000),
      (model, inputTokens, cachedPerCent, writtenPerCent, outputTokens) => {
        const cachedInputTokens = Math.floor((inputTokens * cachedPerCent) / 100);
        const cacheWriteInputTokens = Math.floor((inputTokens * writtenPerCent) / 100);
        const usage = {
          ...NO_USAGE,
          inputTokens,
          cachedInputTokens,
          cacheWriteInputTokens,
          outputTokens,
        };
        const expected = calcPrice(
          {
            input_tokens: inputTokens,
            cache_read_tokens: cachedInputTokens,
            cache_write_tokens: cacheWriteInputTokens,
            output_tokens: outputTokens,
          },
          model,
        );
        expect(findTablePrice(model, UNKNOWN_URL)?.(usage)).toBeCloseTo(
          expected?.total_price ?? Number.NaN,
          9,
        );
      },
    ),
  );
});
