import * as fc from "fast-check";
import { Binary } from "mongodb";
import { describe, expect, it } from "vitest";
import { readSubtype, toBytes } from "../driver/binary.ts";
import { fromStoredJson, toStoredJson } from "./stored-json.ts";

const read = (json: string): unknown => fromStoredJson(JSON.parse(json), Binary);

/** What documents hold. Names are any that JSON can have, also those that mean something here. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$date", "$bytes", "$object", "$number", "__proto__")),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
}));

describe("a stored document as JSON", () => {
  it("comes back as it was, whatever it holds and whatever its fields are called", () => {
    fc.assert(
      fc.property(value, (document) => {
        expect(read(toStoredJson({ document }))).toEqual({ document });
      }),
    );
  });

  it("keeps bytes and their subtype", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 0, max: 255 }), (bytes, subtype) => {
        const json = toStoredJson({ data: new Binary(bytes, subtype) });
        const { data } = read(json) as { data: Binary };
        expect(readSubtype(data)).toBe(subtype);
        expect(Buffer.compare(toBytes(data), bytes)).toBe(0);
      }),
    );
  });

  it("is refused if it holds a value of an unknown kind", () => {
    for (const json of [{ $other: 1 }, { $date: "x" }, { $date: 1, more: 2 }, { $number: 1 }]) {
      expect(() => read(JSON.stringify({ json }))).toThrow("unknown kind");
    }
    expect(() => toStoredJson({ big: 1n })).toThrow("bigint");
  });
});
