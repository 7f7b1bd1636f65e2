import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boundPrefix,
  joinLabels,
  listLabelsWithSeparator,
  listSpellings,
  spellNamespace,
} from "./item-address.ts";

const label = fc
  .string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("a", "b", "/", "-", "0", "é", "$") })
  .filter((text) => text !== "");
const namespace = fc.array(label, { minLength: 1, maxLength: 4 });

describe("spellNamespace", () => {
  it("gives two namespaces different spellings", () => {
    fc.assert(
      fc.property(namespace, namespace, (a, b) => {
        expect(spellNamespace(a) === spellNamespace(b)).toBe(
          JSON.stringify(a) === JSON.stringify(b),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("spells two ways to cut one text differently", () => {
    const cuts = [["a/b/c"], ["a/b", "c"], ["a", "b/c"], ["a", "b", "c"]];
    expect(cuts.map(spellNamespace)).toEqual(["a/b/c.3", "a/b/c.2-1", "a/b/c.1-2", "a/b/c"]);
  });

  it("is the official store's spelling where no label has a slash", () => {
    expect(spellNamespace(["users", "1", "é"])).toBe("users/1/é");
  });
});

describe("boundPrefix", () => {
  it("holds every spelling of whatever begins with the prefix", () => {
    fc.assert(
      fc.property(namespace, fc.array(label, { maxLength: 2 }), (prefix, rest) => {
        const { $gte, $lt } = boundPrefix(prefix);
        for (const spelling of listSpellings([...prefix, ...rest])) {
          expect(spelling >= $gte && spelling < $lt!).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("of nothing holds everything", () => {
    expect(boundPrefix([])).toEqual({ $gte: "" });
  });
});

describe("listLabelsWithSeparator", () => {
  it("lists every label with a slash that a namespace joined to this text has", () => {
    fc.assert(
      fc.property(namespace, (labels) => {
        const listed = [...listLabelsWithSeparator(joinLabels(labels))];
        const wanted = labels.filter((one) => one.includes("/"));
        expect(listed).toEqual(expect.arrayContaining(wanted));
      }),
    );
  });
});
