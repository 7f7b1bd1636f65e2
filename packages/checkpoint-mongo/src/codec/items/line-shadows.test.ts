import { AIMessage, HumanMessage } from "@langchain/core/messages";
import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import type { ChannelManifest } from "../../documents/manifest.ts";
import { decodeChannel } from "../channels/decode-channel.ts";
import { encodeValue } from "../values/encode-value.ts";
import { LineShadows } from "./line-shadows.ts";

const LIST: ChannelManifest & { readonly kind: "list" } = {
  kind: "list",
  slices: [{ segment: "a".repeat(40), from: 0, to: undefined }],
};

/** Values whose lines are long enough for a shadow, of what JSON has and of what it lacks. */
const { item } = fc.letrec<{ item: unknown }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constantFrom(null, undefined, -0, 1n, true),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie("item"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "$", "v", "1")), tie("item"), {
      maxKeys: 4,
    }),
    fc.array(fc.tuple(tie("item"), tie("item")), { maxLength: 2 }).map((items) => new Map(items)),
    fc
      .dictionary(fc.string(), tie("item"), { maxKeys: 2 })
      .map((additional_kwargs) => new AIMessage({ content: "x", id: "1", additional_kwargs })),
    fc.string().map((content) => Object.assign(new HumanMessage(content), { own: [content] })),
  ),
}));

/** Changes all that a value is made of. */
function ruin(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (value instanceof Map) for (const part of [...value].flat()) ruin(part);
  for (const key of Object.keys(value)) {
    ruin((value as Record<string, unknown>)[key]);
    Reflect.deleteProperty(value, key);
  }
  if (value instanceof Map) value.clear();
  if (value instanceof Date) value.setTime(1);
  Object.assign(value, { ruined: true });
}

function lineOf(number: number, length = 100): string {
  return JSON.stringify({ number, text: "x".repeat(length) });
}

describe("a line's shadow", () => {
  it("gives fresh values that are just what the line says, whatever happens to those it gave", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 4 }), async (items) => {
        const lines = items.map((part) => encodeValue({ part, long: "x".repeat(64) }, "channel"));
        const shadows = new LineShadows(1_000_000);
        shadows.note(lines);
        for (const line of lines) expect(shadows.make(line)?.line).toBe(line);
        const read = async (known?: LineShadows) => decodeChannel(LIST, () => lines, known);
        const expected = await read();
        for (let time = 0; time < 2; time += 1) {
          const decoded = (await read(shadows)) as unknown[];
          expect(isDeepStrictEqual(decoded, expected)).toBe(true);
          expect(decoded.map((value) => encodeValue(value, "channel"))).toEqual(lines);
          for (const value of decoded) ruin(value);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is made of a line only once the encoder gave it, and of no short one", () => {
    const shadows = new LineShadows(1_000_000);
    expect(shadows.make(lineOf(1))).toBeUndefined();
    shadows.note([lineOf(1), "1"]);
    expect(shadows.find(lineOf(1))).toBeUndefined();
    expect(shadows.make(lineOf(1))?.tree).toEqual(JSON.parse(lineOf(1)));
    expect(shadows.find(lineOf(1))).toBe(shadows.make(lineOf(1)));
    expect(shadows.make("1")).toBeUndefined();
  });

  it("is of its own line, also where long lines begin, go on and end alike", () => {
    const shadows = new LineShadows(10_000_000);
    const lines = Array.from({ length: 20 }, (_, index) => {
      const text = "x".repeat(40_000);
      return JSON.stringify(
        `${text.slice(0, 1_000)}${index % 10}${text.slice(index < 10 ? 0 : 1)}`,
      );
    });
    for (const line of lines) {
      shadows.note([line]);
      expect(shadows.make(line)?.tree).toBe(JSON.parse(line));
    }
    for (const line of lines) expect([undefined, line]).toContain(shadows.find(line)?.line);
  });

  it("takes no more memory than it may; what is used stays, what was not used for long goes", () => {
    const shadows = new LineShadows(100_000);
    for (let number = 0; number < 2_000; number += 1) {
      shadows.note([lineOf(number)]);
      shadows.make(lineOf(number));
      expect(shadows.find(lineOf(0))).toBeDefined();
      expect(shadows.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(shadows.find(lineOf(1))).toBeUndefined();
    expect(shadows.find(lineOf(1_999))).toBeDefined();
    shadows.limit(1_000);
    expect(shadows.bytes).toBeLessThanOrEqual(1_000);
    shadows.note([lineOf(3, 10_000)]);
    expect(shadows.make(lineOf(3, 10_000))).toBeUndefined();
  });
});
