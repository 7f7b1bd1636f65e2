import * as fc from "fast-check";
import { expect, it } from "vitest";
import { priceTokens } from "./pricing.ts";
import { NO_USAGE } from "./token-usage.ts";

const PRICING = { inputPerMillionUsd: 2, outputPerMillionUsd: 8 };
const MILLIONS = { ...NO_USAGE, inputTokens: 1_000_000, outputTokens: 1_000_000 };

it("cached input and cache writes cost what they are said to cost, else what input costs", () => {
  const usage = { ...MILLIONS, cachedInputTokens: 500_000, cacheWriteInputTokens: 250_000 };
  expect(priceTokens(MILLIONS, PRICING)).toBe(10);
  expect(priceTokens(usage, PRICING)).toBe(10);
  expect(priceTokens(usage, { ...PRICING, cachedInputPerMillionUsd: 1 })).toBe(9.5);
  expect(priceTokens(usage, { ...PRICING, cacheWritePerMillionUsd: 4 })).toBe(10.5);
});

it("each token is priced once, whatever part of the prompt came from a cache or went into one", () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), fc.nat(100_000), (plain, cached, written) => {
      const usage = {
        ...NO_USAGE,
        inputTokens: plain + cached + written,
        cachedInputTokens: cached,
        cacheWriteInputTokens: written,
      };
      const cost = priceTokens(usage, {
        inputPerMillionUsd: 1_000_000,
        outputPerMillionUsd: 1,
        cachedInputPerMillionUsd: 1_000_000,
        cacheWritePerMillionUsd: 1_000_000,
      });
      expect(cost).toBeCloseTo(usage.inputTokens, 6);
    }),
  );
});
