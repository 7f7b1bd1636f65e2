import * as fc from "fast-check";
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { pack, packAside, unpack, unpackAside } from "./compression.ts";
import { DICTIONARY } from "./dictionary.ts";

describe("packed bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 50 }), (bytes, times) => {
        const content = Buffer.concat(Array.from({ length: times }, () => bytes));
        expect(Buffer.compare(unpack(pack(content), content.byteLength), content)).toBe(0);
      }),
    );
  });

  it("are compressed only where that saves a tenth or more", () => {
    expect(pack(Buffer.alloc(31))).toMatchObject({ compression: undefined });
    expect(pack(Buffer.alloc(8_191))).toMatchObject({ compression: "deflate" });
    expect(pack(Buffer.alloc(10_000))).toMatchObject({ compression: "zstd" });
    const random = randomBytes(10_000);
    expect(pack(random)).toEqual({ data: random, compression: undefined });
  });

  it("that are large are compressed and unpacked beside the event loop, and are as good", async () => {
    for (const bytes of [400_000, 3_000_000]) {
      const content = Buffer.from(randomBytes(bytes / 2).toString("hex"));
      const packed = packAside(content);
      expect(packed).toBeInstanceOf(Promise);
      const { data, compression } = await packed;
      expect(compression).toBe("zstd");
      expect(data.byteLength).toBeLessThan(0.6 * bytes);
      for (const stored of [await packed, pack(content)]) {
        expect(unpackAside(stored, bytes)).toBeInstanceOf(Promise);
        expect(Buffer.compare(await unpackAside(stored, bytes), content)).toBe(0);
        expect(Buffer.compare(unpack(stored, bytes), content)).toBe(0);
      }
      const cut = { data: data.subarray(0, -1), compression };
      await expect(unpackAside(cut, bytes)).rejects.toThrow(Error);
    }
    const random = randomBytes(400_000);
    expect(await packAside(random)).toEqual({ data: random, compression: undefined });
  });

  it("may refer back to a dictionary that is the same for ever", () => {
    // Whoever changes the dictionary makes unreadable what was stored with it.
    expect(createHash("sha256").update(DICTIONARY).digest("hex")).toBe(
      "3984b35561c2d2474d670f95ed44d94f2ec9629db3cf4cf237b66016e4f6833d",
    );
  });

  it("that are damaged are refused, if they were compressed", () => {
    const { data, compression } = pack(Buffer.alloc(10_000));
    expect(() => unpack({ data: data.subarray(0, -1), compression }, 10_000)).toThrow(Error);
  });
});
