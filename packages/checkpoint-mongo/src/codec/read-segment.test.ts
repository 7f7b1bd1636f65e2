import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parseSegmentId } from "../documents/index.ts";
import { joinLines } from "./lines.ts";
import { readContent, readItems } from "./read-segment.ts";
import { appendToSegment, createSegment, type SegmentOfItems } from "./segment.ts";

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
  const segments: SegmentOfItems[] = [created];
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
