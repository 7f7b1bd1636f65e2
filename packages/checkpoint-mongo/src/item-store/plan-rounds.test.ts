import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Request } from "./operations.ts";
import { planRounds } from "./plan-rounds.ts";

const key = fc.constantFrom("1", "2", "3");
const request = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), key }),
  fc.record({ kind: fc.constant("put" as const), key }),
  fc.record({ kind: fc.constantFrom("search" as const, "list" as const) }),
);

/** What a store holds, after some puts: the place of the last put of each key. */
type Held = Map<string, number>;

function sort(held: Held): string[] {
  return Array.from(held, ([name, place]) => `${name}: ${place}`).toSorted();
}

describe("planRounds", () => {
  it("shows every read just what one after the other would show it", () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 15 }), (steps) => {
        const requests = steps.map(
          (step, place) => ({ ...step, namespace: ["n"], place }) as unknown as Request,
        );
        const see = (held: Held, read: { key?: string }) =>
          read.key === undefined ? sort(held) : held.get(read.key);

        const expected: unknown[] = [];
        const held: Held = new Map();
        for (const [place, step] of steps.entries()) {
          if (step.kind === "put") held.set(step.key, place);
          else expected[place] = see(new Map(held), step as { key?: string });
        }

        const found: unknown[] = [];
        const stored: Held = new Map();
        for (const { gets, searches, lists, puts } of planRounds(requests)) {
          for (const { place } of [...gets, ...searches, ...lists]) {
            found[place] = see(new Map(stored), steps[place] as { key?: string });
          }
          for (const put of puts) stored.set(put.key, (put as unknown as { place: number }).place);
        }
        expect(found).toEqual(expected);
        expect(sort(stored)).toEqual(sort(held));
      }),
      { numRuns: 1_000 },
    );
  });

  it("needs one round for reads and then writes of whatever, and for writes of other items", () => {
    const get = (name: string) => ({ kind: "get", namespace: ["n"], key: name }) as Request;
    const put = (name: string) =>
      ({ kind: "put", namespace: ["n"], key: name }) as unknown as Request;
    expect(planRounds([])).toHaveLength(0);
    expect(planRounds([get("1"), get("2"), put("1"), put("2"), put("1")])).toHaveLength(1);
    expect(planRounds([put("1"), get("2"), put("3"), get("4")])).toHaveLength(1);
    expect(planRounds([put("1"), get("1")])).toHaveLength(2);
    expect(planRounds([put("1"), { kind: "search" } as Request])).toHaveLength(2);
  });
});
