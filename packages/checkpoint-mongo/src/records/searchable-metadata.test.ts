import * as fc from "fast-check";
import { BSON } from "mongodb";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { toConditions, toSearchable } from "./searchable-metadata.ts";

const key = fc.oneof(
  fc.constantFrom("a", "b", "", "__proto__", "$gt", "a.b", "n\0l", "\ud800"),
  fc.string({ maxLength: 3 }),
);
const { metadata } = fc.letrec<{ metadata: Record<string, unknown>; value: unknown }>((tie) => ({
  metadata: fc
    .array(fc.tuple(key, tie("value")), { maxLength: 4 })
    .map((entries): Record<string, unknown> => Object.fromEntries(entries)),
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: "metadata" },
    fc.constantFrom(1, 2.5, -0, 2 ** 53, Number.NaN, "x", "\udc00", true, null, undefined, 7n),
    fc.date(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("metadata"),
  ),
}));

/** What a server's equality on a path compares with. */
function readPath(document: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, part) =>
        typeof value === "object" && value !== null && Object.hasOwn(value, part)
          ? (value as Record<string, unknown>)[part]
          : undefined,
      document,
    );
}

describe("the searchable copy of metadata", () => {
  it("is what BSON gives back as it is", () => {
    fc.assert(
      fc.property(metadata, (original) => {
        const copy = toSearchable(original);
        expect(BSON.deserialize(BSON.serialize(copy))).toEqual(copy);
      }),
    );
  });

  it("holds whatever a filter that matches the metadata asks of it", () => {
    fc.assert(
      fc.property(metadata, fc.array(fc.boolean()), (original, chosen) => {
        const filter = Object.fromEntries(
          Object.entries(original).filter((_, index) => chosen[index] ?? true),
        );
        const copy = toSearchable(original);
        for (const [path, value] of Object.entries(toConditions(filter))) {
          expect(isDeepStrictEqual(readPath(copy, path), value)).toBe(true);
        }
      }),
    );
  });

  it("has no key or value that a query could take for an operator", () => {
    const copy = toSearchable({ $where: "1", ok: { $gt: 0, deep: 1 }, "a.b": 1 });
    expect(copy).toEqual({ ok: { deep: 1 } });
  });
});
