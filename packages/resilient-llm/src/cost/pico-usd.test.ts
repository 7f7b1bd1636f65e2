import { assert, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { fromPicoUsd, toPicoUsd } from "./pico-usd.ts";
import { priceTokens } from "./pricing.ts";
import { NO_USAGE } from "./token-usage.ts";

it("what tokens cost at a price of up to six digits after the point is exact", () => {
  assert(
    property(
      integer({ min: 0, max: 200_000_000 }),
      integer({ min: 0, max: 2_000_000 }),
      (microUsdPerMillion, inputTokens) => {
        const pricing = {
          inputPerMillionUsd: microUsdPerMillion / 1e6,
          outputPerMillionUsd: 0,
        };
        const usd = priceTokens({ ...NO_USAGE, inputTokens }, pricing);
        expect(toPicoUsd(usd)).toBe(BigInt(microUsdPerMillion) * BigInt(inputTokens));
      },
    ),
  );
});

it("a sum of many small amounts does not drift", () => {
  let sum = 0n;
  for (let index = 0; index < 10_000; index += 1) sum += toPicoUsd(0.1);
  expect(fromPicoUsd(sum)).toBe(1_000);
});
