import type { ChannelManifest, SegmentId, SegmentSlice } from "../documents/index.ts";
import { breather, ITEM_WORK } from "./breather.ts";
import { decodeLines } from "./decode-lines.ts";
import { decodeLongString } from "./decode-long-string.ts";
import { decodeValue } from "./decode-value.ts";
import { replayInPieces } from "./map-entries.ts";

/** A channel that was encoded by this package, not by a user's serializer. */
export type NativeManifest = Exclude<ChannelManifest, { kind: "typed" }>;

/**
 * Decodes a channel's value from its segments' items. Every call gives fresh objects.
 *
 * @throws Error if the items are no text that this package writes
 */
export async function decodeChannel(
  manifest: NativeManifest,
  readLines: (segment: SegmentId) => readonly string[],
): Promise<unknown> {
  switch (manifest.kind) {
    case "inline":
      return decodeValue(manifest.text);
    case "value":
      return decodeValue(readLines(manifest.segment).join("\n"));
    case "list":
      return decodeLines(readSlices(manifest.slices, readLines));
    case "text":
      return decodeText(readSlices(manifest.slices, readLines));
    case "map":
      return decodeMap(readSlices(manifest.slices, readLines));
  }
}

function readSlices(
  slices: readonly SegmentSlice[],
  readLines: (segment: SegmentId) => readonly string[],
): readonly string[] {
  return slices.flatMap(({ segment, from, to }) => {
    const lines = readLines(segment);
    return from === 0 && to === undefined ? lines : lines.slice(from, to);
  });
}

/** A long value that is no string can only be parsed as a whole. */
function decodeText(chunks: readonly string[]): unknown {
  return chunks[0]?.startsWith('"') ? decodeLongString(chunks) : decodeValue(chunks.join(""));
}

async function decodeMap(lines: readonly string[]): Promise<Record<string, unknown>> {
  const live = await replayInPieces(lines);
  const entries = (await decodeLines(live.values())) as (readonly [string, unknown])[];
  const map: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    if (key === "__proto__") defineOwn(map, key, value);
    else map[key] = value;
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return map;
}

/** What an assignment to "__proto__" does not do: it sets the prototype. */
function defineOwn(map: object, key: string, value: unknown): void {
  Object.defineProperty(map, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
