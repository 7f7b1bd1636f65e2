import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseSegmentId, type ContentHash } from "../documents/segment-id.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import { breather } from "../event-loop/breather.ts";
import { Hasher, type HashedWriteSet } from "../integrity/hashes.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { decodeBytes } from "./values/decode-bytes.ts";
import { decodeChannel, type NativeManifest } from "./channels/decode-channel.ts";
import { encodeBytes } from "./values/encode-bytes.ts";
import { planChannel } from "./channels/plan-channel.ts";
import { hashContent, hashInPieces } from "./segments/hash-content.ts";
import type { KnownSegment } from "./segments/known-segment.ts";
import { createSegment } from "./segments/segment.ts";
import { joinLines } from "./items/lines.ts";
import { writeChannel } from "./channels/write-channel.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Makes every place a rest where there may be one; returns how many there were. */
function restEverywhere(): () => number {
  const due = vi.spyOn(breather, "isDue").mockReturnValue(true);
  return () => due.mock.calls.length;
}

/** What is planned and stored of a channel whose value changes step by step. */
async function store(values: readonly unknown[]): Promise<readonly unknown[]> {
  const segments = new Map<ContentHash, KnownSegment>();
  const findKnown = (id: string) => segments.get(parseSegmentId(id).root);
  const stored: unknown[] = [];
  let parent: ChannelManifest | undefined;
  for (const value of values) {
    const written = writeChannel("channel", value, parent, { findKnown });
    const planned = await planChannel("channel", written, parent, findKnown);
    parent = planned.manifest;
    stored.push(parent);
    for (const segment of planned.segments) {
      const known = segment.known as KnownSegment;
      segments.set(known.root, known);
      stored.push(segment.id, segment.lines, await segment.pack());
    }
    const read = await decodeChannel(parent as NativeManifest, (id) => {
      const name = parseSegmentId(id);
      return segments.get(name.root)!.read(name)!;
    });
    stored.push(read);
  }
  return stored;
}

const item = fc.oneof(
  fc.nat({ max: 5 }).map((number) => `item ${number} `.repeat(12)),
  fc.string({ unit: "binary", maxLength: 30 }),
);
const list = fc.array(item, { maxLength: 80, size: "max" });
const map = fc
  .array(fc.tuple(fc.oneof(fc.nat({ max: 30 }).map(String), fc.string({ maxLength: 2 })), item), {
    maxLength: 60,
    size: "max",
  })
  .map((entries) => Object.fromEntries(entries) as unknown);
const text = fc
  .array(fc.constantFrom("plain text ", '"', "\\", "🙂", "漢", "\uD83D"), { minLength: 1 })
  .map((parts) => parts.join("").repeat(140_000 / parts.join("").length + 1));

describe("with rests wherever there may be one", () => {
  it.each([
    ["lists", list, 40],
    ["maps", map, 40],
    ["long strings", text, 4],
    ["snapshots", list.map((items) => new DeltaSnapshot(items)), 10],
    ["Sets", list.map((items) => new Set(items)), 10],
    ["Maps", list.map((items) => new Map(items.entries())), 10],
  ])("the same is planned, stored and read of %s as without", async (_, value, numRuns) => {
    let rests = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 6 }), async (values) => {
        const expected = await store(values);
        const countRests = restEverywhere();
        const found = await store(values);
        rests += countRests();
        vi.restoreAllMocks();
        expect(found).toEqual(expected);
      }),
      { numRuns },
    );
    expect(rests).toBeGreaterThan(numRuns);
  });

  it("long content has the same hash, and comes back, whatever characters it holds", async () => {
    const values = ["漢🙂é\\\n\uD83D".repeat(400_000), "x".repeat(2_000_000), "🙂".repeat(700_001)];
    const hasher = new Hasher(new KeyRing({ key: "key" }));
    for (const value of values) {
      const bytes = encodeBytes(value, "channel");
      const set = { ...makeWriteSet(bytes), keyName: hasher.keyName };
      const ids = [hashContent(joinLines(["a", value.toWellFormed(), ""])), hashContent(bytes)];
      const hash = await hasher.hashWriteSet(set);
      const countRests = restEverywhere();
      const { known } = await createSegment(["a", value.toWellFormed(), ""]);
      expect(known.root).toBe(ids[0]);
      expect(await hashInPieces(bytes)).toBe(ids[1]);
      expect(await hasher.hashWriteSet(set)).toEqual(hash);
      expect((await decodeBytes(bytes)) === value).toBe(true);
      expect(countRests()).toBeGreaterThan(10);
      vi.restoreAllMocks();
    }
  });
});

function makeWriteSet(value: Uint8Array): Omit<HashedWriteSet, "keyName"> {
  const address = { threadId: "thread", checkpointNs: "", checkpointId: "1ef" };
  const write = { index: 0, channel: "a", type: undefined, value };
  return { address, epoch: 0, taskId: "task", taskPath: "", place: 0, writes: [write] };
}
