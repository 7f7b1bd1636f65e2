import * as fc from "fast-check";
import { expect, it } from "vitest";
import { writeField } from "./search-field.ts";

it("fields of numbers are in the order of the numbers, as a server compares texts", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [fieldOfA, fieldOfB] = [a, b].map((value) => Buffer.from(writeField("key", value)));
      expect(Math.sign(Buffer.compare(fieldOfA!, fieldOfB!))).toBe(a === b ? 0 : Math.sign(a - b));
    }),
  );
});

it("fields of different keys or types never begin alike up to the value", () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(fc.string(), value, fc.string(), value, (keyOfA, a, keyOfB, b) => {
      const isSame = keyOfA === keyOfB && a === b;
      expect(writeField(keyOfA, a) === writeField(keyOfB, b)).toBe(isSame);
    }),
  );
});
