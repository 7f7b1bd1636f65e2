import * as fc from "fast-check";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { chooseRawDeflate, type NativeDeflate } from "./raw-deflate.ts";

const FLUSH = zlib.constants.Z_SYNC_FLUSH;

const node = {
  deflateRawSync: zlib.deflateRawSync,
  inflateRawSync: zlib.inflateRawSync,
} as unknown as NativeDeflate;

/** As Deno's: a dictionary is ignored, whichever way. */
const ignoring: NativeDeflate = {
  deflateRawSync: (content, { finishFlush }) => zlib.deflateRawSync(content, { finishFlush }),
  inflateRawSync: (data, options) =>
    node.inflateRawSync(data, { ...options, dictionary: new Uint8Array() }),
};

const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });
const cases = fc.record({
  dictionary: fc.oneof(bytes, fc.constant(new Uint8Array(32_768).fill(7))),
  own: bytes,
  /** Whether the content repeats the dictionary. */
  repeats: fc.boolean(),
});

/** What no stream of a test gives. */
const ELSE = { buffer: Buffer.from("else"), engine: { bytesWritten: 4 } };

/** An empty last block, after which a stream of flushed parts is whole. */
const LAST_BLOCK = Buffer.from([1, 0, 0, 0xff, 0xff]);

describe("on a runtime whose zlib", () => {
  const direct = chooseRawDeflate(node);
  const emulated = chooseRawDeflate(ignoring);

  it("knows dictionaries, they are used", () => {
    const content = Buffer.from("a text that is not short at all");
    expect(direct.deflate(content, { dictionary: content }).byteLength).toBeLessThan(10);
    expect(emulated.deflate(content, { dictionary: content }).byteLength).toBeGreaterThan(20);
  });

  it("ignores them, what either one packed is unpacked by both", () => {
    fc.assert(
      fc.property(cases, ({ dictionary, own, repeats }) => {
        const content = Buffer.concat([repeats ? dictionary : new Uint8Array(), own]);
        for (const [packs, unpacks] of [
          [direct, emulated],
          [emulated, direct],
          [emulated, emulated],
        ] as const) {
          const packed = packs.deflate(content, { dictionary });
          const unpacked = unpacks.inflate(packed, { dictionary, length: content.byteLength });
          expect(Buffer.compare(unpacked, content)).toBe(0);
        }
      }),
    );
  });

  it("ignores them, parts that were appended by either one are read as one stream by both", () => {
    const dictionary = Buffer.from("so it began");
    const parts = ["so it began again", "and again", "so it went on, so it began"];
    let before = dictionary;
    const packed = parts.map((part, index) => {
      const packer = index % 2 === 0 ? direct : emulated;
      const content = Buffer.from(part);
      const options = { dictionary: before, finishFlush: FLUSH };
      before = Buffer.concat([before, content]);
      return packer.deflate(content, options);
    });
    for (const reader of [direct, emulated]) {
      const options = { dictionary, length: parts.join("").length };
      const read = reader.inflate(Buffer.concat([...packed, LAST_BLOCK]), options);
      expect(read.toString()).toBe(parts.join(""));
    }
  });

  it.each([
    ["knows dictionaries", direct],
    ["ignores them", emulated],
  ])("%s, a stream is taken only if it is whole", (_what, { deflate, inflate }) => {
    const dictionary = Buffer.from("dictionary");
    const content = Buffer.from("some content of some length");
    const length = content.byteLength;
    const packed = deflate(content, { dictionary });
    expect(inflate(packed, { dictionary, length })).toEqual(content);
    for (const bad of [
      () => inflate(packed.subarray(0, -1), { dictionary, length }),
      () => inflate(Buffer.concat([packed, Buffer.of(0)]), { dictionary, length }),
      () => inflate(packed, { dictionary, length: length - 1 }),
      () => inflate(packed, { dictionary, length: length + 1 }),
    ]) {
      expect(bad).toThrow(Error);
    }
  });

  it.each<[string, NativeDeflate]>([
    ["unpacks something else", { ...ignoring, inflateRawSync: () => ELSE }],
    ["packs something else", { ...node, deflateRawSync: () => Buffer.from([3, 0]) }],
    [
      "throws",
      {
        ...node,
        inflateRawSync: () => {
          throw new Error("not implemented");
        },
      },
    ],
  ])("%s, nothing is read or written: it is refused", (_what, native) => {
    expect(() => chooseRawDeflate(native)).toThrow(/which does not give back what raw deflate/);
  });
});
