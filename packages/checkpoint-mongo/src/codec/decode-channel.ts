import type { ChannelManifest, SegmentId, SegmentSlice } from "../documents/index.ts";
import { decodeValue, decodeValues } from "./decode-value.ts";
import type { LineShadows } from "./line-shadows.ts";
import { replayEntries } from "./map-entries.ts";

/** A channel that was encoded by this package, not by a user's serializer. */
export type NativeManifest = Exclude<ChannelManifest, { kind: "typed" }>;

/**
 * Decodes a channel's value from its segments' items. Every call gives fresh objects. The result is
 * a promise only if LangChain's own loader is needed.
 *
 * @param shadows lines that have one are copied from it, which takes less time than to read them
 * @throws Error if the items are no text that this package writes
 */
export function decodeChannel(
  manifest: NativeManifest,
  readLines: (segment: SegmentId) => readonly string[],
  shadows?: LineShadows,
): unknown {
  switch (manifest.kind) {
    case "inline":
      return decodeValue(manifest.text);
    case "value":
      return decodeValue(readLines(manifest.segment).join("\n"));
    case "list":
      return decodeValues(readSlices(manifest.slices, readLines), shadows);
    case "text":
      return decodeValue(readSlices(manifest.slices, readLines).join(""));
    case "map": {
      const live = replayEntries(readSlices(manifest.slices, readLines)).values();
      const entries = decodeValues([...live], shadows);
      return entries instanceof Promise
        ? entries.then((loaded) => toObject(loaded as Entries))
        : toObject(entries as Entries);
    }
  }
}

type Entries = readonly (readonly [string, unknown])[];

function readSlices(
  slices: readonly SegmentSlice[],
  readLines: (segment: SegmentId) => readonly string[],
): readonly string[] {
  return slices.flatMap(({ segment, from, to }) => {
    const lines = readLines(segment);
    return from === 0 && to === undefined ? lines : lines.slice(from, to);
  });
}

function toObject(entries: Entries): Record<string, unknown> {
  // fromEntries defines keys, so that "__proto__" is a key like any other.
  return Object.fromEntries(entries) as Record<string, unknown>;
}
