import { expect, it } from "vitest";
import { describeValue } from "./describe-value.ts";

class Connection {
  readonly password = "secret";
}

it.each([
  [undefined, "undefined"],
  [null, "null"],
  [false, "false"],
  [-0.5, "-0.5"],
  ["", "an empty string"],
  ["x", "a string of 1 character"],
  ["secret", "a string of 6 characters"],
  [[], "an array of 0"],
  [{ key: "secret" }, "an object"],
  [Object.create(null), "an object"],
  [new Date(), "an object of class Date"],
  [new Uint8Array(3), "an object of class Uint8Array"],
  [new Connection(), "an object of class Connection"],
  [{ constructor: "secret" }, "an object"],
  [Symbol("secret"), "a symbol"],
  [() => "secret", "a function"],
  [10n, "a bigint"],
])("%o is told without what it holds", (value, text) => {
  expect(describeValue(value)).toBe(text);
});
