import * as fc from "fast-check";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { chooseRawDeflate, type RawDeflate } from "./raw-deflate.ts";

const FLUSH = zlib.constants.Z_SYNC_FLUSH;

const node: RawDeflate = {
  deflateRawSync: zlib.deflateRawSync,
  inflateRawSync: zlib.inflateRawSync,
};

/** As Deno's: a dictionary is ignored, whichever way. */
const ignoring: RawDeflate = {
  deflateRawSync: (content, { finishFlush }) => zlib.deflateRawSync(content, { finishFlush }),
  inflateRawSync: (data, { finishFlush }) => zlib.inflateRawSync(data, { finishFlush }),
};

const bytes = fc.uint8Array({ maxLength: 400 });
const cases = fc.record({
  dictionary: fc.oneof(bytes, fc.constant(new Uint8Array(32_768).fill(7))),
  own: bytes,
  /** Whether the content repeats the dictionary. */
  repeats: fc.boolean(),
  finishFlush: fc.constantFrom(undefined, FLUSH),
});

describe("on a runtime whose zlib", () => {
  it("knows dictionaries, it is used as it is", () => {
    expect(chooseRawDeflate(node)).toBe(node);
  });

  it("ignores them, what either one packed is unpacked by both", () => {
    const chosen = chooseRawDeflate(ignoring);
    fc.assert(
      fc.property(cases, ({ dictionary, own, repeats, finishFlush }) => {
        const content = Buffer.concat([repeats ? dictionary : new Uint8Array(), own]);
        const options = { dictionary, ...(finishFlush !== undefined && { finishFlush }) };
        for (const [packs, unpacks] of [
          [node, chosen],
          [chosen, node],
          [chosen, chosen],
        ] as const) {
          const unpacked = unpacks.inflateRawSync(packs.deflateRawSync(content, options), options);
          expect(Buffer.compare(unpacked, content)).toBe(0);
        }
      }),
    );
  });

  it("ignores them, parts that were appended by either one are read as one stream by both", () => {
    const chosen = chooseRawDeflate(ignoring);
    const dictionary = Buffer.from("so it began");
    const parts = ["so it began again", "and again", "so it went on, so it began"];
    let before = dictionary;
    const packed = parts.map((part, index) => {
      const packer = index % 2 === 0 ? node : chosen;
      const content = Buffer.from(part);
      const options = { dictionary: before, finishFlush: FLUSH };
      before = Buffer.concat([before, content]);
      return packer.deflateRawSync(content, options);
    });
    for (const reader of [node, chosen]) {
      const options = { dictionary, finishFlush: FLUSH };
      const read = reader.inflateRawSync(Buffer.concat(packed), options);
      expect(read.toString()).toBe(parts.join(""));
    }
  });

  it("ignores them, damage is still an error", () => {
    const { deflateRawSync, inflateRawSync } = chooseRawDeflate(ignoring);
    const dictionary = Buffer.from("dictionary");
    const packed = deflateRawSync(Buffer.from("some content of some length"), { dictionary });
    expect(() => inflateRawSync(packed.subarray(0, -3), { dictionary })).toThrow(Error);
  });

  it.each<[string, RawDeflate]>([
    ["unpacks something else", { ...ignoring, inflateRawSync: () => Buffer.from("else") }],
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
