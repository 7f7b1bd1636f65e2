import * as fc from "fast-check";
import { expect, it } from "vitest";
import { OutputHistory } from "./output-forecast.ts";

function createHistory(...lengths: readonly number[]): OutputHistory {
  const history = new OutputHistory();
  for (const length of lengths) history.add(length);
  return history;
}

it("before the first answer a long one is expected", () => {
  expect(createHistory().forecast).toEqual({ upperTokens: 4096, leastTokens: 128 });
});

it("one short answer does not promise short ones; many do", () => {
  expect(createHistory(100).forecast.upperTokens).toBe(200);
  const many = Array.from({ length: 100 }, () => 100);
  expect(createHistory(...many).forecast).toEqual({ upperTokens: 101, leastTokens: 100 });
});

it("answers of long ago are forgotten", () => {
  const many = Array.from({ length: 100 }, () => 10);
  expect(createHistory(8000, ...many).forecast.upperTokens).toBe(11);
});

it("at most one in twenty of the answers seen was longer than is expected", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 100 }), (lengths) => {
      const { upperTokens } = createHistory(...lengths).forecast;
      const longer = lengths.filter((length) => length > upperTokens).length;
      expect(longer).toBeLessThanOrEqual(lengths.length / 20);
    }),
  );
});
