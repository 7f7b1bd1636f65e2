import * as fc from "fast-check";
import { expect, it } from "vitest";
import { drawFullJitterMs } from "./backoff.ts";
import { RetryQuota } from "./retry-quota.ts";

it("full jitter stays below the doubled base and the maximum", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(60), random, (retry, value) => {
      const delay = drawFullJitterMs(retry, { baseDelayMs: 500, maxDelayMs: 30_000 }, () => value);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.min(30_000, 500 * 2 ** retry));
    }),
  );
});

it("the retry quota pays for as many retries as its tokens buy, and successes fill it up again", () => {
  const quota = new RetryQuota({ capacity: 20, retryCost: 5, successRefund: 1 });
  const take = (times: number) => Array.from({ length: times }, () => quota.tryTake());
  expect(take(6)).toEqual([true, true, true, true, false, false]);
  quota.giveBack(1);
  expect(take(2)).toEqual([true, false]);
  for (let success = 0; success < 5; success += 1) quota.giveBack(0);
  expect(take(2)).toEqual([true, false]);
  for (let success = 0; success < 100; success += 1) quota.giveBack(0);
  expect(take(5).filter(Boolean)).toHaveLength(4);
});
