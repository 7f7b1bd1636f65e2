import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, open, seal } from "./seal.ts";
import { ThreadCipher } from "./thread-cipher.ts";

const key = deriveKey("a key", "a purpose");
const bytes = fc.uint8Array({ maxLength: 200 });
const place = fc.string({ unit: "binary", maxLength: 20 });

describe("sealed bytes", () => {
  it("open with the same key at the same place, with what they were packed with", () => {
    fc.assert(
      fc.property(bytes, place, fc.nat({ max: 15 }), (content, at, packing) => {
        const opened = open(key, seal(key, content, at, packing), at);
        expect(opened?.packing).toBe(packing);
        expect(Buffer.compare(opened!.bytes, content)).toBe(0);
      }),
    );
  });

  it("do not open at another place, with another key, or with any bit changed", () => {
    const another = deriveKey("another key", "a purpose");
    fc.assert(
      fc.property(bytes, place, fc.nat(), (content, at, bit) => {
        const sealed = seal(key, content, at);
        expect(open(key, sealed, `${at}!`)).toBeUndefined();
        expect(open(another, sealed, at)).toBeUndefined();
        expect(open(deriveKey("a key", "another purpose"), sealed, at)).toBeUndefined();
        sealed[Math.floor(bit / 8) % sealed.length]! ^= 1 << (bit % 8);
        expect(open(key, sealed, at)).toBeUndefined();
      }),
    );
  });

  it("are others each time, and as names the same", () => {
    const cipher = new ThreadCipher("thread", 0, new Uint8Array(32));
    const content = Buffer.from("content");
    const sealed = Array.from({ length: 1_000 }, () =>
      Buffer.from(cipher.seal(content, ["place"])).toString("hex"),
    );
    expect(new Set(sealed).size).toBe(1_000);
    const name = (text: string, of = cipher, at = "place") =>
      Buffer.from(of.sealName(Buffer.from(text), [at])).toString("hex");
    expect(name("content")).toBe(name("content"));
    const others = [
      name("content"),
      name("Content"),
      name("content", cipher, "another"),
      name("content", new ThreadCipher("thread", 1, new Uint8Array(32))),
      name("content", new ThreadCipher("another", 0, new Uint8Array(32))),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it("too short to be any do not open", () => {
    const sealed = seal(key, new Uint8Array(), "place");
    for (let length = 0; length < sealed.length; length += 1) {
      expect(open(key, sealed.subarray(0, length), "place")).toBeUndefined();
    }
  });
});
