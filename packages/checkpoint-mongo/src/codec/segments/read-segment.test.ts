import * as fc from "fast-check";
import { randomBytes } from "node:crypto";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseSegmentId } from "../../documents/segment-id.ts";
import { encodeNumber } from "../bytes/leb128.ts";
import { joinLines } from "../items/lines.ts";
import type { KnownSegment } from "./known-segment.ts";
import { readContent, readItems } from "./read-segment.ts";
import { appendToSegment, createSegment, type Segment } from "./segment.ts";

const line = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => JSON.stringify(text)),
  fc.nat({ max: 3 }).map((digit) => JSON.stringify(`${digit} and again `.repeat(600))),
  fc.constant(JSON.stringify("x".repeat(40_000))),
);
const lines = fc.array(line, { minLength: 1, maxLength: 4 });
const history = fc.tuple(lines, fc.array(lines, { maxLength: 12 }));

/** A segment as it is stored after each of several appends. */
async function store([first, ...appended]: readonly [readonly string[], ...(readonly string[])[]]) {
  const created = await createSegment(first);
  const segments: Segment<KnownSegment>[] = [created];
  const root = parseSegmentId(created.id).root;
  const more: Uint8Array[] = [];
  for (const added of appended) {
    const segment = appendToSegment(segments.at(-1)!.known, added);
    segments.push(segment);
    more.push((await segment.pack()).data);
  }
  return { stored: { root, packed: await created.pack(), more }, segments };
}

it("a segment gives back what it held after each append, however much was appended later", async () => {
  await fc.assert(
    fc.asyncProperty(history, async ([first, appended]) => {
      const { stored, segments } = await store([first, ...appended]);
      const known = await readItems(stored, Infinity);
      const expected: string[] = [];
      for (const [appends, { id }] of segments.entries()) {
        expected.push(...(appends === 0 ? first : appended[appends - 1]!));
        const name = parseSegmentId(id);
        expect(known.read(name)).toEqual(expected);
        expect(await readContent(stored, name)).toEqual(joinLines(expected));
        expect(known.next(name)).toEqual(
          appends < appended.length
            ? { id: segments[appends + 1]!.id, lines: appended[appends] }
            : undefined,
        );
      }
    }),
    { numRuns: 20 },
  );
});

it("a segment does not answer to a name of other content, or of more appends than it had", async () => {
  const { stored, segments } = await store([["1"], ["2"], ["3"]]);
  const { stored: other } = await store([["1"], ["two"], ["3"]]);
  const [, once, twice] = segments.map(({ id }) => parseSegmentId(id));
  expect((await readItems(other, Infinity)).read(once!)).toBeUndefined();
  expect((await readItems(other, Infinity)).read(twice!)).toBeUndefined();
  const rolledBack = { ...stored, more: stored.more.slice(0, 1) };
  expect((await readItems(rolledBack, Infinity)).read(once!)).toEqual(["1", "2"]);
  expect((await readItems(rolledBack, Infinity)).read(twice!)).toBeUndefined();
  await expect(readContent(rolledBack, twice!)).rejects.toThrow("appended to 1 times only");
});

it("what is appended costs little where it repeats what is there", async () => {
  const long = JSON.stringify(Array.from({ length: 900 }, (_, index) => `word${index}`).join(" "));
  const { stored } = await store([[long], [long], [long]]);
  for (const part of stored.more) expect(part.byteLength).toBeLessThan(100);
});

describe("a segment with any of its bytes cut off, changed or added", () => {
  const histories: [string, Parameters<typeof store>[0]][] = [
    ["short items", [["1"], ["2"], ["3"]]],
    ["items that repeat", [["[1,2,3,4,5,6]"], ["[1,2,3,4,5,6]"], ["[1,2,3,4,5,6]"]]],
    ["zeros", [["0"], ["0".repeat(300)], ["0"]]],
    ["texts", [[sentence(0), sentence(1)], [sentence(2)], [sentence(3), sentence(4)]]],
    ["no alphabet", [[noise(120)], [noise(90)], [noise(60), noise(60)]]],
  ];

  it.each(histories)(
    "gives back just what it held, or nothing; what is appended then comes back too: %s",
    async (_what, parts) => {
      const { stored, segments } = await store(parts);
      const names = segments.map(({ id }) => parseSegmentId(id));
      const expected = segments.map((_, appends) => parts.slice(0, appends + 1).flat());
      let taken = 0;
      for (const damaged of damage(stored)) {
        const known = await readItems(damaged, 10_000).catch(() => undefined);
        for (const [appends, name] of names.entries()) {
          const read = known?.read(name);
          if (read === undefined) continue;
          expect(read).toEqual(expected[appends]);
          if (known!.next(name) !== undefined) continue;
          // Nothing seems to come after this: a put would append.
          taken += 1;
          const after = appendToSegment(known!, ["[7]"]);
          const more = [...damaged.more, (await after.pack()).data];
          const again = await readItems({ ...damaged, more }, 10_000);
          expect(again.read(parseSegmentId(after.id))).toEqual([...expected[appends]!, "[7]"]);
        }
      }
      // As it was, for one.
      expect(taken).toBeGreaterThan(0);
    },
  );

  it("is refused where it would unpack to more than was said, before it does", async () => {
    const bomb = zlib.zstdCompressSync(Buffer.alloc(20_000_000));
    for (const length of [10, 5_000, 20_000_001]) {
      const data = Buffer.concat([encodeNumber(length), bomb]);
      const stored = { root: "", packed: { data, compression: "zstd" as const }, more: [] };
      await expect(readItems(stored, 10_000)).rejects.toThrow(/larger than|may have 10000/);
    }
  });
});

/** A stored segment, as far as its content goes. */
type Stored = Parameters<typeof readItems>[0];

function* damage(stored: Stored): Generator<Stored> {
  yield stored;
  for (const data of damageBytes(stored.packed.data)) {
    yield { ...stored, packed: { ...stored.packed, data } };
  }
  for (const [index, part] of stored.more.entries()) {
    for (const bytes of damageBytes(part))
      yield { ...stored, more: stored.more.with(index, bytes) };
    yield { ...stored, more: stored.more.toSpliced(index, 1) };
    yield { ...stored, more: stored.more.toSpliced(index, 0, part) };
  }
  yield { ...stored, more: stored.more.toReversed() };
}

function* damageBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 1) {
    yield bytes.subarray(0, at);
    yield bytes.subarray(at + 1);
    for (let bit = 0; bit < 8; bit += 1) yield bytes.with(at, bytes[at]! ^ (1 << bit));
    yield Buffer.concat([bytes.subarray(0, at), Buffer.of(0), bytes.subarray(at)]);
  }
  for (const added of ["00", "01", "0000ffff", "000000ffff", "010000ffff", "0300", "ffffffff"]) {
    yield Buffer.concat([bytes, Buffer.from(added, "hex")]);
  }
}

function sentence(number: number): string {
  return JSON.stringify({
    type: "human",
    content: `What comes after ${number}, if anything does?`,
  });
}

/** Text that hardly shrinks. */
function noise(length: number): string {
  return JSON.stringify(randomBytes(length).toString("base64"));
}
