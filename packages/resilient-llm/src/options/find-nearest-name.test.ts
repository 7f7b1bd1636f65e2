import * as fc from "fast-check";
import { expect, it } from "vitest";
import { findNearestName } from "./find-nearest-name.ts";

const names = ["maxRetries", "baseDelayMs", "deadlineMs", "quota"];

it.each([
  ["a letter that is missing", "maxRetrie", "maxRetries"],
  ["a letter too many", "quotaa", "quota"],
  ["a wrong letter", "quoda", "quota"],
  ["swapped letters", "maxRetreis", "maxRetries"],
  ["another case", "maxretries", "maxRetries"],
  ["snake case", "max_retries", "maxRetries"],
  ["a missing unit", "deadline", "deadlineMs"],
])("finds a name despite %s", (_, given, expected) => {
  expect(findNearestName(given, names)).toBe(expected);
});

it.each(["", "x", "temperature", "retry", "callbacks"])("finds none for %o", (given) => {
  expect(findNearestName(given, names)).toBeUndefined();
});

it("finds none among none", () => {
  expect(findNearestName("maxRetries", [])).toBeUndefined();
});

it("finds each name by itself and after any one change", () => {
  const change = fc.record({ at: fc.nat(), letter: fc.constantFrom("", "x", "_") });
  fc.assert(
    fc.property(fc.constantFrom(...names), change, (name, { at, letter }) => {
      expect(findNearestName(name, names)).toBe(name);
      const index = at % name.length;
      const changed = name.slice(0, index) + letter + name.slice(index + 1);
      expect(findNearestName(changed, names)).toBe(name);
    }),
  );
});
