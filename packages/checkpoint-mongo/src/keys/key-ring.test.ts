import { describe, expect, it } from "vitest";
import { inspect } from "node:util";
import { KeyRing } from "./key-ring.ts";

const OLD = "the old key of many bytes";
const NEW = "the new key of many bytes";

describe("a key ring", () => {
  it("finds the key of each name, and names new documents by the current one", () => {
    const ring = new KeyRing({ keys: { old: OLD, new: NEW }, currentKeyId: "new" });
    const [old, current] = ring.names;
    expect(ring.current).toBe(current);
    expect(ring.find(old)).toEqual({ key: OLD });
    expect(ring.find(current)).toEqual({ key: NEW });
  });

  it("finds a key by its fingerprint where it was given without an id, or with another one", () => {
    const alone = new KeyRing({ key: OLD });
    const named = new KeyRing({ keys: { a: OLD, b: NEW }, currentKeyId: "b" });
    const renamed = new KeyRing({ keys: { c: Buffer.from(OLD) }, currentKeyId: "c" });
    expect(named.find(alone.current)).toEqual({ key: OLD });
    expect(alone.find(named.names[0])).toEqual({ key: OLD });
    expect(renamed.find(named.names[0])).toEqual({ key: Uint8Array.from(Buffer.from(OLD)) });
  });

  it("tells why there is no key for a document", () => {
    const ring = new KeyRing({ keys: { a: OLD }, currentKeyId: "a" });
    const other = new KeyRing({ keys: { a: NEW, b: "yet another key" }, currentKeyId: "a" });
    expect(ring.find(undefined)).toEqual({ fault: "unkeyed" });
    expect(ring.find(other.names[0])).toEqual({ fault: "another-key" });
    expect(ring.find(other.names[1])).toEqual({ fault: "unknown-key" });
    expect(new KeyRing(undefined).find(ring.current)).toEqual({ fault: "no-key" });
  });

  it("takes documents without a key only where it has none or is told to", () => {
    expect(new KeyRing(undefined).find(undefined)).toEqual({ key: undefined });
    expect(new KeyRing({ key: OLD, acceptUnkeyed: true }).find(undefined)).toEqual({
      key: undefined,
    });
    expect(new KeyRing({ key: OLD, acceptUnkeyed: false }).find(undefined)).toEqual({
      fault: "unkeyed",
    });
  });

  it("has another digest wherever it reads or writes differently", () => {
    const rings = [
      undefined,
      { key: OLD },
      { key: NEW },
      { key: OLD, acceptUnkeyed: true },
      { keys: { a: OLD }, currentKeyId: "a" },
      { keys: { a: OLD, b: NEW }, currentKeyId: "a" },
      { keys: { a: OLD, b: NEW }, currentKeyId: "b" },
    ].map((options) => new KeyRing(options).digest);
    expect(new Set(rings).size).toBe(rings.length);
    expect(new KeyRing({ key: Buffer.from(OLD) }).digest).toBe(new KeyRing({ key: OLD }).digest);
  });

  it("keeps its keys to itself, and a copy of their bytes", () => {
    const bytes = Buffer.from(OLD);
    const ring = new KeyRing({ key: bytes });
    bytes.fill(0);
    expect(ring.find(ring.current)).toEqual({ key: Uint8Array.from(Buffer.from(OLD)) });
    const shown = inspect(ring, { depth: 9, showHidden: true }) + JSON.stringify(ring);
    expect(shown).not.toMatch(/old key|116, 104, 101|74 68 65/);
  });
});
