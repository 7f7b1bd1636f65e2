import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "./parse-json.ts";

/** Keys that look like the source of others: V8 13.6 takes one for the other. */
const key = fc.oneof(
  fc.constantFrom("\\", '"', "\n", "\\\\", '\\"', "\\n", "\u0001", "a", "__proto__", "]", "}", ","),
  fc.string({ unit: "binary", maxLength: 3 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -1.5e-7, "", "\\", '"', 'a\\"b', "\n"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((all) => Object.fromEntries(all)),
  ),
}));

describe("parsed JSON", () => {
  it("has its own keys, whatever keys were parsed before", () => {
    fc.assert(
      fc.property(value, (original) => {
        const text = JSON.stringify(original);
        // By text: JSON.parse is what may be wrong.
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(['"', "\n", "\u0001", "\\"])("tells the key %j from a backslash", (name) => {
    for (let round = 0; round < 5; round += 1) JSON.parse('{"c":"x","\\\\":1}');
    const parsed = parseJson(JSON.stringify({ c: "x", [name]: [{ "\\": {} }, [], {}] }));
    expect(Object.keys(parsed as object)).toEqual(["c", name]);
    expect(parsed).toEqual({ c: "x", [name]: [{ "\\": {} }, [], {}] });
  });

  it.each(["", "{", '{"\\n":1', '{"a\\"}', '["\\"]', '{"\\n":1}x', '"\\'])(
    "is refused if it is no JSON: %s",
    (text) => {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    },
  );
});
