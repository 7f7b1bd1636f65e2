import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Candidate } from "../candidate/candidate.ts";
import { createCandidates, groupByModel } from "../candidate/create-candidates.ts";
import { EventHub } from "../events/events.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { drawOrder, weighEndpoints } from "./draw-order.ts";
import { createSeededRandom } from "../simulation/seeded-random.ts";

const NOW_MS = 100_000;
const CALLS = 4000;

/** What one endpoint of a test says, and what is known of its limits. */
interface Given {
  readonly weight?: number;
  readonly canary?: number;
  readonly remaining?: number;
}

function createModels(...models: readonly (readonly Given[])[]): (readonly Candidate[])[] {
  const options = resolveOptions({
    apiKey: "none",
    models: models.map((endpoints, index) => ({
      model: `m${index}`,
      endpoints: endpoints.map(({ canary, weight }) => ({ canary, weight })),
    })),
  });
  const grouped = groupByModel(createCandidates(options, new EventHub()));
  for (const [model, endpoints] of grouped.entries()) {
    for (const [index, { limitsLeft }] of endpoints.entries()) {
      const remaining = models[model]?.[index]?.remaining;
      if (remaining === undefined) continue;
      const headers = new Headers({
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": String(remaining),
        "x-ratelimit-reset-requests": "60s",
      });
      limitsLeft?.noteHeaders(headers, NOW_MS);
    }
  }
  return [...grouped];
}

/**
 * How far the count of `CALLS` draws is from its mean, except once in a thousand million runs: Bernstein's
 * inequality, which holds for the smallest shares too.
 */
function boundDeviation(share: number): number {
  const log = Math.log(2e9);
  return log / 3 + Math.sqrt(log ** 2 / 9 + 2 * log * CALLS * share * (1 - share));
}

const given = fc
  .record(
    {
      weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
      remaining: fc.integer({ min: 0, max: 1000 }),
    },
    { requiredKeys: [] },
  )
  .map((endpoint): Given => endpoint);

it("every endpoint stands once in the order, the models in the order of the chain, canaries first or last", () => {
  const model = fc
    .tuple(fc.array(given, { minLength: 1, maxLength: 4 }), fc.nat({ max: 2 }))
    .map(([endpoints, canaries]) =>
      endpoints.concat(Array.from({ length: canaries }, (): Given => ({ canary: 0.3 }))),
    );
  fc.assert(
    fc.property(
      fc.array(model, { minLength: 1, maxLength: 3 }),
      fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), {
        minLength: 40,
        maxLength: 40,
      }),
      (models, numbers) => {
        const grouped = createModels(...models);
        let next = 0;
        const random = () => numbers[next++ % numbers.length] ?? 0;
        const order = drawOrder(grouped, () => 10, NOW_MS, random);
        expect(new Set(order)).toEqual(new Set(grouped.flat()));
        expect(order).toHaveLength(grouped.flat().length);
        const names = grouped.map(([first]) => first?.model);
        // Canaries that were not drawn come after everything else.
        const lastOther = order.findLastIndex(({ canary }) => canary === undefined);
        const upToLast = order.slice(0, lastOther + 1).map(({ model: name }) => name);
        expect(upToLast).toEqual(
          upToLast.toSorted((left, right) => names.indexOf(left) - names.indexOf(right)),
        );
        const misplaced = order
          .slice(0, lastOther)
          .filter(
            ({ canary, model: name }, index) =>
              canary !== undefined && order[index - 1]?.model === name,
          );
        expect(misplaced).toEqual([]);
      },
    ),
  );
});

it("each endpoint comes first in its share of the calls, whatever the weights and limits", () => {
  fc.assert(
    fc.property(fc.array(given, { minLength: 2, maxLength: 4 }), fc.nat(), (endpoints, seed) => {
      const models = createModels(endpoints);
      const weights = weighEndpoints(models[0] ?? [], 10, NOW_MS);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const random = createSeededRandom(seed);
      const firsts = Array.from(
        { length: CALLS },
        () => drawOrder(models, () => 10, NOW_MS, random)[0],
      );
      for (const [index, endpoint] of (models[0] ?? []).entries()) {
        const share = (weights[index] ?? 0) / sum;
        const count = firsts.filter((first) => first === endpoint).length;
        expect(Math.abs(count - CALLS * share)).toBeLessThanOrEqual(boundDeviation(share));
      }
    }),
    { numRuns: 40 },
  );
});

it.each<[string, Given[], number[]]>([
  ["weights alone where nothing is known", [{ weight: 3 }, {}], [3, 1]],
  ["what is left, where it is known", [{ remaining: 900 }, { remaining: 100 }], [900, 100]],
  ["both together", [{ weight: 2, remaining: 100 }, { remaining: 400 }], [200, 400]],
  ["an unknown endpoint as a full one", [{ remaining: 100 }, {}], [100, 1000]],
  ["nothing where nothing is left", [{ remaining: 0 }, { remaining: 5 }], [0, 5]],
  [
    "weights where nothing is left anywhere",
    [{ weight: 3, remaining: 0 }, { remaining: 0 }],
    [3, 1],
  ],
])("endpoints are weighed by %s", (_, endpoints, expected) => {
  expect(weighEndpoints(createModels(endpoints)[0] ?? [], 10, NOW_MS)).toEqual(expected);
});

it("a limit is full again after its reset, and requests under way count", () => {
  const [[endpoint] = []] = createModels([{ remaining: 3 }, {}]);
  endpoint?.noteSent(10);
  expect(endpoint?.countRequestsLeft(10, NOW_MS)?.now).toBe(2);
  expect(endpoint?.countRequestsLeft(10, NOW_MS + 60_000)?.now).toBe(1000);
});
