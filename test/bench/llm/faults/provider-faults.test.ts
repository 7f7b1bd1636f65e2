import { expect, it } from "vitest";
import { pickNetworkFault } from "./network-faults.ts";
import { pickProviderFault } from "./provider-faults.ts";
import { FAULT_SHARE, MODELS } from "./scenario.ts";

const CALLS = Array.from({ length: 5000 }, (_, call) => call);
const { backup, primary } = MODELS;

function pickAll(pick: typeof pickProviderFault, attempt: number, model: string) {
  return CALLS.map((call) => pick({ seed: 1, call, attempt, model }));
}

it.each([
  ["network", pickNetworkFault],
  ["providers", pickProviderFault],
])("%s: the share of faults is as stated, and the same seed gives the same faults", (_, pick) => {
  const faults = pickAll(pick, 1, primary);
  expect(faults.filter(Boolean).length / CALLS.length).toBeCloseTo(FAULT_SHARE, 1);
  expect(pickAll(pick, 1, primary)).toEqual(faults);
});

it("a call that the first model refuses is refused each time, and never by the second", () => {
  const [first, second, third] = [1, 2, 3].map((attempt) =>
    pickAll(pickProviderFault, attempt, primary),
  );
  const atSecond = [1, 2, 3].map((attempt) => pickAll(pickProviderFault, attempt, backup));
  const refused = CALLS.filter(
    (call) => first?.[call] && first[call] === second?.[call] && first[call] === third?.[call],
  );
  expect(refused.length).toBeGreaterThan(CALLS.length * 0.1);
  for (const call of refused) {
    for (const faults of atSecond) expect(faults[call]).not.toBe(first?.[call]);
  }
});

it("another seed brings other faults, not the same ones in another order", () => {
  // As many calls as a power of two: a seed that is only combined with the call permutes these.
  const [one, two] = [1, 2].map(
    (seed) =>
      Array.from({ length: 4096 }, (_, call) =>
        pickNetworkFault({ seed, call, attempt: 1, model: primary }),
      ).filter(Boolean).length,
  );
  expect(one).not.toBe(two);
});

it("all rows are met about as often", () => {
  const counts = new Map<object, number>();
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    for (const call of CALLS) {
      const fault = pickProviderFault({ seed, call, attempt: 1, model: primary });
      if (fault) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    }
  }
  const times = [...counts.values()];
  expect(times.length).toBeGreaterThan(100);
  expect(Math.max(...times) / Math.min(...times)).toBeLessThan(4);
});
