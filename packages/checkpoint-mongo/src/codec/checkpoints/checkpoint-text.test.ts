import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import { formatSegmentId } from "../../documents/segment-id.ts";
import type { ChannelManifest } from "../../documents/manifest.ts";
import { decodeCheckpointText, encodeCheckpointText, writeHeader } from "./checkpoint-text.ts";

const hash = fc.nat({ max: 9 }).map((digit) => `${digit}`.repeat(40));
const segment = fc
  .record({ root: hash, appends: fc.oneof(fc.constant(0), fc.nat()), hash, length: fc.nat() })
  .map(formatSegmentId);
const plain = { noNullPrototype: true } as const;
const slice = fc
  .tuple(segment, fc.nat(), fc.option(fc.integer({ min: 1, max: 9_999 }), { nil: undefined }))
  .map(([id, from, items]) => ({ segment: id, from, to: items && from + items }));
const channel: fc.Arbitrary<ChannelManifest> = fc.oneof(
  fc.record({ kind: fc.constant("inline" as const), text: fc.string({ unit: "binary" }) }, plain),
  fc.record({ kind: fc.constant("value" as const), segment }, plain),
  fc.record(
    {
      kind: fc.constantFrom("list" as const, "map" as const, "text" as const),
      slices: fc.array(slice),
      wrapper: fc.constantFrom("delta" as const, "map" as const, "set" as const),
    },
    { ...plain, requiredKeys: ["kind", "slices"] },
  ),
  fc.record({ kind: fc.constant("typed" as const), type: fc.string(), segment }, plain),
);
const name = fc.oneof(fc.string({ unit: "binary" }), fc.constant("__proto__"));
const versions = fc.dictionary(name, fc.oneof(fc.nat(), fc.string()), plain);
const header = fc.record(
  {
    v: fc.constantFrom(1, 4),
    ts: fc.string({ unit: "binary" }),
    channel_versions: versions,
    versions_seen: fc.dictionary(name, versions, plain),
  },
  plain,
);

it("header and manifest come back as they were, channels in order", () => {
  fc.assert(
    fc.property(header, fc.array(fc.tuple(name, channel)), (original, channels) => {
      const manifest = new Map(channels);
      const decoded = decodeCheckpointText(encodeCheckpointText(writeHeader(original), manifest));
      expect(isDeepStrictEqual(decoded.header, original)).toBe(true);
      expect(isDeepStrictEqual([...decoded.manifest], [...manifest])).toBe(true);
    }),
  );
});

it("a segment that several channels use is named once", () => {
  const hashed = "ab".repeat(20);
  const shared = `${hashed}/7`;
  const value = { kind: "value", segment: shared } as const;
  const { segments } = encodeCheckpointText(
    writeHeader({ v: 4, ts: "", channel_versions: {}, versions_seen: {} }),
    new Map<string, ChannelManifest>([
      ["a", value],
      ["b", { kind: "list", slices: [{ segment: shared, from: 0, to: 1 }] }],
    ]),
  );
  expect(segments).toEqual(Buffer.from(hashed, "hex"));
});

it.each([
  ["no line break", ""],
  ["an unknown kind of channel", '{"v":4}\n[["a",["y",0]]]'],
  ["an unknown wrapper", '{"v":4}\n[["a",["lx"]]]'],
  ["a kind that objects inherit", '{"v":4}\n[["a",["toString"]]]'],
  ["a segment that is not in the list", '{"v":4}\n[["a",["v",7]]]'],
  ["more lengths than there are segments", '{"v":4}\n[["a",["v",0]]]\n[1]'],
])("text with %s is refused", (_name, text) => {
  expect(() => decodeCheckpointText({ text, segments: Buffer.of() })).toThrow(Error);
});
