import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { parseSegmentId, type ContentHash, type SegmentId } from "../../documents/segment-id.ts";
import type { ChannelManifest } from "../../documents/manifest.ts";
import { decodeChannel } from "./decode-channel.ts";
import { planChannel } from "./plan-channel.ts";
import { encodeValue } from "../values/encode-value.ts";
import type { KnownSegment } from "../segments/known-segment.ts";
import { LineShadows } from "../items/line-shadows.ts";
import { writeChannel, type ChannelText } from "./write-channel.ts";

/** A channel over its life: what is stored of it, and how the latest value is made up. */
class ChannelModel {
  /** What is stored, under the name of its root. */
  readonly segments = new Map<ContentHash, KnownSegment>();
  manifest: Exclude<ChannelManifest, { kind: "typed" }> | undefined;
  /** Bytes stored so far. */
  storedBytes = 0;
  readonly shadows = new LineShadows(1_000_000);

  /** Stores a value as child of the latest and gives it back as read. */
  async store(
    value: unknown,
    isAtHand: (segment: SegmentId) => boolean = () => true,
  ): Promise<unknown> {
    const findKnown = (id: SegmentId) =>
      isAtHand(id) ? this.segments.get(parseSegmentId(id).root) : undefined;
    const written = writeChannel("channel", value, this.manifest, {
      findKnown,
      shadows: this.shadows,
    });
    const { manifest, segments } = await planChannel("channel", written, this.manifest, findKnown);
    for (const { id, lines, known } of segments) {
      const { root, appends } = parseSegmentId(id);
      const stored = this.segments.get(root);
      if (stored !== undefined && appends === 0) continue;
      if ((stored?.appends ?? -1) !== appends - 1) {
        throw new Error("The store appends only to what is as the encoder knew it.");
      }
      this.storedBytes += Buffer.byteLength(lines!.join("\n"));
      this.segments.set(root, known as KnownSegment);
    }
    this.manifest = manifest as ChannelModel["manifest"];
    return this.read();
  }

  /** A value as text, compared with the latest. */
  write(value: unknown): ChannelText {
    const findKnown = (id: SegmentId) => this.segments.get(parseSegmentId(id).root);
    return writeChannel("channel", value, this.manifest, { findKnown, shadows: this.shadows });
  }

  async read(manifest: ChannelModel["manifest"] = this.manifest): Promise<unknown> {
    return decodeChannel(manifest!, (id) => {
      const name = parseSegmentId(id);
      return this.segments.get(name.root)!.read(name)!;
    });
  }

  get slices(): number {
    return this.manifest !== undefined && "slices" in this.manifest
      ? this.manifest.slices.length
      : 0;
  }
}

/** Small and large items, often the same ones. */
const item = fc.oneof(
  fc.nat({ max: 5 }).map((number) => `item ${number} `.repeat(12)),
  fc.string({ unit: "binary", minLength: 0, maxLength: 30 }),
  fc.constantFrom(1n, "", "\n", new Date(0)),
);
const place = fc.nat({ max: 1_000 });

type ListEdit = (list: readonly unknown[]) => unknown[];

const listEdit: fc.Arbitrary<ListEdit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(item, { maxLength: 4 })
      .map((items) => (list: readonly unknown[]) => [...list, ...items]),
  },
  fc.tuple(place, item).map(
    ([at, added]) =>
      (list: readonly unknown[]) =>
        list.length === 0 ? [] : list.with(at % list.length, added),
  ),
  fc.tuple(place, fc.nat({ max: 3 }), fc.array(item, { maxLength: 3 })).map(
    ([at, count, added]) =>
      (list: readonly unknown[]) =>
        list.toSpliced(at % (list.length + 1), count, ...added),
  ),
  place.map((length) => (list: readonly unknown[]) => list.slice(0, length % (list.length + 1))),
  place.map((start) => (list: readonly unknown[]) => list.slice(start % (list.length + 1))),
  fc.constantFrom<ListEdit>(
    (list) => list.toReversed(),
    (list) => [...list, ...list].slice(0, 200),
    (list) => [...list],
    () => [],
  ),
);

describe("a list", () => {
  it("comes back as it was after any sequence of edits, and so do all its earlier states", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(listEdit, { maxLength: 60, size: "max" }), async (edits) => {
        const model = new ChannelModel();
        const states: [ChannelModel["manifest"], unknown[]][] = [];
        let list: unknown[] = [];
        for (const edit of edits) {
          list = edit(list);
          expect(isDeepStrictEqual(await model.store(list), list)).toBe(true);
          expect(model.slices).toBeLessThanOrEqual(64);
          states.push([model.manifest, list]);
        }
        for (const [manifest, state] of states)
          expect(isDeepStrictEqual(await model.read(manifest), state)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("comes back as it was even if not all of its segments are at hand when it is stored", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(listEdit, fc.array(fc.boolean(), { minLength: 1 })), { maxLength: 15 }),
        async (edits) => {
          const model = new ChannelModel();
          let list: unknown[] = Array.from({ length: 30 }, (_, index) =>
            `start ${index} `.repeat(9),
          );
          await model.store(list);
          for (const [edit, atHand] of edits) {
            list = edit(list);
            let asked = 0;
            const known = new Map<SegmentId, boolean>();
            const isAtHand = (id: SegmentId) => {
              if (!known.has(id)) known.set(id, atHand[asked++ % atHand.length]!);
              return known.get(id)!;
            };
            expect(isDeepStrictEqual(await model.store(list, isAtHand), list)).toBe(true);
          }
        },
      ),
    );
  });

  it("forked at any place comes back right in all branches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(listEdit, fc.nat()), { maxLength: 30, size: "max" }),
        async (steps) => {
          const model = new ChannelModel();
          await model.store(["start"]);
          const states: [ChannelModel["manifest"], unknown[]][] = [[model.manifest, ["start"]]];
          for (const [edit, from] of steps) {
            const [manifest, list] = states[from % states.length]!;
            model.manifest = manifest;
            const edited = edit(list);
            await model.store(edited);
            states.push([model.manifest, edited]);
          }
          for (const [manifest, state] of states)
            expect(isDeepStrictEqual(await model.read(manifest), state)).toBe(true);
        },
      ),
    );
  });

  it("that grows item by item stores each item once", async () => {
    const model = new ChannelModel();
    const list: string[] = [];
    let content = 0;
    for (let index = 0; index < 1_000; index += 1) {
      list.push(`${index} `.padEnd(200, "x"));
      // With its quotes and the line break.
      content += 203;
      await model.store(list);
    }
    expect(model.storedBytes).toBeLessThanOrEqual(content);
    expect(model.slices).toBeLessThanOrEqual(4);
    expect(await model.read()).toEqual(list);
  });

  it("that is stored once more and then grows differently leaves the first one as it is", async () => {
    const model = new ChannelModel();
    const start = ["a", "b"].map((text) => text.repeat(300));
    await model.store(start);
    const { manifest } = model;
    await model.store([...start, "c".repeat(300)]);
    const first = model.manifest;
    const { storedBytes } = model;
    model.manifest = manifest;
    await model.store([...start, "c".repeat(300)]);
    expect(model.storedBytes).toBe(storedBytes);
    expect(model.manifest).toEqual(first);
    model.manifest = manifest;
    expect(await model.store([...start, "d".repeat(300)])).toEqual([...start, "d".repeat(300)]);
    expect(await model.read(first)).toEqual([...start, "c".repeat(300)]);
  });

  it("of 65,000 items that grew in many steps is at most 64 slices", async () => {
    const model = new ChannelModel();
    const list: number[] = [];
    while (list.length < 65_000) {
      const size = list.length < 600 ? 1 : Math.ceil(list.length / 10);
      for (let index = 0; index < size; index += 1) list.push(list.length);
      await model.store(list);
      expect(model.slices).toBeLessThanOrEqual(64);
    }
    expect(await model.read()).toEqual(list);
  });

  it("that was edited in many places is at most 64 slices", async () => {
    const model = new ChannelModel();
    const list = Array.from({ length: 600 }, (_, index) => `${index} `.padEnd(100, "x"));
    await model.store(list);
    for (let edit = 0; edit < 150; edit += 1) {
      const at = (edit * 211) % list.length;
      list[at] = `edited ${edit} `.padEnd(100, "y");
      expect(await model.store(list)).toEqual(list);
      expect(model.slices).toBeLessThanOrEqual(64);
    }
  });

  it("with one item replaced in the middle stores little more than that item", async () => {
    const model = new ChannelModel();
    const list = Array.from({ length: 1_000 }, (_, index) => `${index} `.padEnd(200, "x"));
    await model.store(list);
    for (const at of [500, 20, 980, 501]) {
      const before = model.storedBytes;
      list[at] = `edited ${at} `.padEnd(200, "y");
      expect(await model.store(list)).toEqual(list);
      expect(model.storedBytes - before).toBeLessThan(500);
    }
  });
});

const key = fc.oneof(
  fc.nat({ max: 39 }).map((index) => `key-${index}`),
  fc.constantFrom("a", "b", "c", "__proto__", "constructor", "$", "10", "2", "0", '"', "\\", "]"),
  fc.string({ unit: "binary", maxLength: 3 }),
);

type MapEdit = (entries: readonly (readonly [string, unknown])[]) => (readonly [string, unknown])[];

const mapEdit: fc.Arbitrary<MapEdit> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(key, item).map(
      ([name, value]): MapEdit =>
        (entries) =>
          entries.some(([known]) => known === name)
            ? entries.map((entry) => (entry[0] === name ? [name, value] : entry))
            : [...entries, [name, value]],
    ),
  },
  {
    weight: 12,
    arbitrary: key.map(
      (name): MapEdit =>
        (entries) =>
          entries.filter(([known]) => known !== name),
    ),
  },
  fc.tuple(key, item).map(([name, value]): MapEdit => (entries) => [
    ...entries.filter(([known]) => known !== name),
    [name, value],
  ]),
  fc.constantFrom<MapEdit>(
    (entries) => entries.toReversed(),
    (entries) => [...entries],
    () => [],
    (entries) => [...entries, ["large", "x".repeat(400)] as const],
  ),
);

describe("a map", () => {
  it("comes back with its values and key order after any sequence of edits", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mapEdit, { maxLength: 60, size: "max" }), async (edits) => {
        const model = new ChannelModel();
        const states: [ChannelModel["manifest"], object][] = [];
        // So large that small changes are appended and merged, until they outweigh it.
        let entries: (readonly [string, unknown])[] = Array.from({ length: 40 }, (_, index) => [
          `key-${index}`,
          `${index} `.repeat(40),
        ]);
        await model.store(Object.fromEntries(entries));
        for (const edit of edits) {
          entries = edit(entries);
          const map: Record<string, unknown> = Object.fromEntries(entries);
          const decoded = (await model.store(map)) as object;
          expect(isDeepStrictEqual(decoded, map)).toBe(true);
          expect(Object.keys(decoded)).toEqual(Object.keys(map));
          states.push([model.manifest, map]);
        }
        for (const [manifest, state] of states) {
          const decoded = (await model.read(manifest)) as object;
          expect(isDeepStrictEqual(decoded, state)).toBe(true);
          expect(Object.keys(decoded)).toEqual(Object.keys(state));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("of which one entry changes per step stores little more than that entry", async () => {
    const model = new ChannelModel();
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`file-${index}`, `${index} `.padEnd(1_000, "x")]),
    );
    await model.store(files);
    const initial = model.storedBytes;
    for (let step = 0; step < 300; step += 1) {
      files[`file-${(step * 37) % 100}`] = `edit ${step} `.padEnd(1_000, "y");
      expect(await model.store(files)).toEqual(files);
    }
    expect(model.storedBytes).toBeLessThan(3 * (initial + 300 * 1_000));
    expect(model.slices).toBeLessThanOrEqual(64);
  });

  it("stores little of a new whole number, which an object has first, and of a key that goes", async () => {
    const model = new ChannelModel();
    const texts = Array.from({ length: 100 }, (_, index) => `${index} `.padEnd(1_000, "x"));
    const map: Record<string, string> = Object.fromEntries(
      texts.map((text, index) => [`key-${index}`, text]),
    );
    await model.store(map);
    const large = "new ".repeat(500);
    for (const change of [{ 7: "new" }, { "key-100": large }, { 3: "new" }, { 7: "changed" }]) {
      const before = model.storedBytes;
      Object.assign(map, change);
      delete map[`key-${Object.keys(map).length - 60}`];
      expect(Object.entries((await model.store(map)) as object)).toEqual(Object.entries(map));
      expect(model.storedBytes - before).toBeLessThan(JSON.stringify(change).length + 100);
    }
  });
});

/** Something that holds items, and how it holds them. */
const holders: readonly (readonly [string, (items: readonly unknown[]) => unknown])[] = [
  ["a snapshot of a list", (items) => new DeltaSnapshot([...items])],
  [
    "a snapshot of an object",
    (items) => new DeltaSnapshot(Object.fromEntries(items.map((value, at) => [`k${at}`, value]))),
  ],
  ["a Set", (items) => new Set(items)],
  ["a Map", (items) => new Map(items.map((value, at) => [`k${at}`, value]))],
];

describe.each(holders)("%s", (_name, hold) => {
  it("comes back as it was after any sequence of edits, and so do all its earlier states", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(listEdit, { maxLength: 30, size: "max" }), async (edits) => {
        const model = new ChannelModel();
        const states: [ChannelModel["manifest"], unknown][] = [];
        let list: unknown[] = [];
        for (const edit of edits) {
          list = edit(list);
          const value = hold(list);
          expect(isDeepStrictEqual(await model.store(value), value)).toBe(true);
          states.push([model.manifest, value]);
        }
        for (const [manifest, state] of states)
          expect(isDeepStrictEqual(await model.read(manifest), state)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("that grows item by item stores each item once", async () => {
    const model = new ChannelModel();
    const list: string[] = [];
    for (let index = 0; index < 300; index += 1) {
      list.push(`${index} `.padEnd(200, "x"));
      await model.store(hold(list));
    }
    expect(model.storedBytes).toBeLessThan(300 * 220);
    expect(await model.read()).toEqual(hold(list));
  });

  it("is found to be as it is stored if it is, and another that holds the same is not", async () => {
    const model = new ChannelModel();
    const list = Array.from({ length: 100 }, (_, index) => `${index} `.padEnd(200, "x"));
    await model.store(hold(list));
    const { manifest, storedBytes } = model;
    expect(model.write(hold(list)).sameAs).toBe(manifest);
    for (const [, other] of holders.filter(([, make]) => make !== hold)) {
      expect(model.write(other(list)).sameAs).toBeUndefined();
    }
    expect(model.write(list).sameAs).toBeUndefined();
    await model.store(hold(list));
    expect(model.storedBytes).toBe(storedBytes);
  });

  it("is refused, with the path to what cannot be stored, as where it is no channel of its own", () => {
    const value = hold(["x".repeat(400), () => 1]);
    expect(refusalOf(() => new ChannelModel().write(value))).toBe(
      refusalOf(() => encodeValue(value, "channel")),
    );
  });
});

/** What is said of a value that cannot be stored. */
function refusalOf(write: () => unknown): string {
  try {
    write();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("It was written.");
}

describe("a long string", () => {
  it("comes back as it was after any edits, whatever characters it holds", async () => {
    const part = fc.oneof(
      fc.constantFrom('"', "\\", "\n", "\u0000", "\uD83D", "\uDE42", "🙂", "é", "漢", "\u2028"),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom("plain text ", "\\u0041"),
    );
    const edit = fc.record({ at: fc.nat(), removed: fc.nat({ max: 300_000 }), added: part });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.array(edit, { maxLength: 4 }),
        async (parts, edits) => {
          const model = new ChannelModel();
          let text = makeText(parts);
          expect((await model.store(text)) === text).toBe(true);
          for (const { at, removed, added } of edits) {
            const start = at % text.length;
            text = text.slice(0, start) + added + text.slice(start + removed);
            expect((await model.store(text)) === text).toBe(true);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

/** Some 400,000 characters of text in which these parts recur. */
function makeText(parts: readonly string[]): string {
  let text = "";
  for (let index = 0; text.length < 400_000; index += 1) {
    text += `${index * 7_919} ${parts[index % parts.length]}`;
  }
  return text;
}

describe("a channel", () => {
  it("may change between list, map and single value", async () => {
    const values = [
      Array.from({ length: 9 }, (_, index) => `item ${index} `.repeat(20)),
      { a: "x".repeat(300), 1: 2 },
      "z".repeat(1_000),
      [],
      null,
      new Map([["k", "v".repeat(400)]]),
      new Set([["k", "v".repeat(400)]]),
      new DeltaSnapshot([["k", "v".repeat(400)]]),
      [["k", "v".repeat(400)]],
      new DeltaSnapshot({ a: "x".repeat(300), 1: 2 }),
      new DeltaSnapshot("long ".repeat(40_000)),
      "long ".repeat(40_000),
      new DeltaSnapshot(new Set(["z".repeat(300)])),
      { small: true },
      ["back", "y".repeat(500)],
    ];
    const model = new ChannelModel();
    for (const value of [...values, ...values.toReversed()]) {
      expect(isDeepStrictEqual(await model.store(value), value)).toBe(true);
    }
  });

  it("gives fresh objects at every read", async () => {
    const model = new ChannelModel();
    for (const value of [[{ a: 1 }], { a: ["x".repeat(400)] }, ["y".repeat(400), { a: 1 }]]) {
      await model.store(value);
      expect(await model.read()).not.toBe(await model.read());
      expect(isDeepStrictEqual(await model.read(), value)).toBe(true);
    }
  });
});
