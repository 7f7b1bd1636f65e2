import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareItems } from "./compare-items.ts";

const list = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 });

describe("compareItems", () => {
  it("finds nothing in equal lists", () => {
    fc.assert(
      fc.property(list, (items) => {
        expect(compareItems(items, [...items], false)).toBeUndefined();
      }),
    );
  });

  it("tells all that only one of two lists has, and nothing that both have", () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const changes = compareItems(before, after, false);
        const { appended = [], inserted = [], removed = [] } = changes ?? {};
        const kept = subtract(before, removed);
        expect(subtract(after, [...inserted, ...appended])).toEqual(kept);
        expect(changes?.changed ?? []).toEqual([]);
      }),
    );
  });

  it("tells items after all others as appended, unless both lists go on", () => {
    fc.assert(
      fc.property(
        list,
        fc.array(fc.integer({ min: 6, max: 9 }), { minLength: 1 }),
        (items, more) => {
          const nothing = { appended: [], inserted: [], removed: [], changed: [] };
          const longer = [...items, ...more];
          expect(compareItems(items, longer, false)).toEqual({ ...nothing, appended: more });
          expect(compareItems(items, longer, true)).toEqual({ ...nothing, inserted: more });
          expect(compareItems(longer, items, false)).toEqual({ ...nothing, removed: more });
        },
      ),
    );
  });

  it("pairs edited items by their ids", () => {
    const before = [
      { id: "a", text: 1 },
      { id: "b", text: 1 },
    ];
    const after = [
      { id: "b", text: 2 },
      { id: "c", text: 1 },
    ];
    expect(compareItems(before, after, false)).toEqual({
      appended: [{ id: "c", text: 1 }],
      inserted: [],
      removed: [{ id: "a", text: 1 }],
      changed: [{ before: { id: "b", text: 1 }, after: { id: "b", text: 2 } }],
    });
  });

  it("compares what cannot be encoded by how it looks", () => {
    const withFunction = (name: string) => ({ [name]: () => name });
    expect(compareItems([withFunction("a")], [withFunction("a")], false)).toBeUndefined();
    expect(compareItems([withFunction("a")], [withFunction("b")], false)).toBeDefined();
  });
});

/** The items without some others, each taken off once, sorted. */
function subtract(items: readonly number[], others: readonly unknown[]): readonly number[] {
  const left = [...items];
  for (const other of others) {
    const index = left.indexOf(other as number);
    expect(index).not.toBe(-1);
    left.splice(index, 1);
  }
  return left.toSorted((a, b) => a - b);
}
