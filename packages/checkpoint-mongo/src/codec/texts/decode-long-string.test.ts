import * as fc from "fast-check";
import { expect, it } from "vitest";
import { decodeLongString } from "./decode-long-string.ts";

it("a string is what JSON makes of its text, wherever that is cut", async () => {
  const part = fc.oneof(
    fc.constantFrom("\\", '"', "\n", "\u0000", "\uD83D", "\uDE42", "🙂", "u0041", "plain"),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  const value = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(value, fc.array(fc.nat(), { maxLength: 8 }), async (text, places) => {
      const json = JSON.stringify(text);
      const cuts = places.map((place) => place % (json.length + 1)).toSorted((a, b) => a - b);
      const chunks = [0, ...cuts].map((cut, index) => json.slice(cut, cuts[index]));
      // Who decodes knows by the first character that it is a string.
      const cut = chunks.filter((chunk) => chunk !== "");
      expect(await decodeLongString(cut)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

it("a text that is no string is refused", async () => {
  for (const chunks of [['"abc'], ['"', "a", "b"], ['"ab', '\\"'], ['"a"b', '"'], ['"a\\', 'q"']]) {
    await expect(decodeLongString(chunks)).rejects.toThrow(SyntaxError);
  }
});
