import {
  parseSegmentId,
  type ChannelManifest,
  type SegmentSlice,
  type SlicedKind,
} from "../documents/index.ts";
import { cutText } from "./cut-text.ts";
import { needsLoader } from "./decode-value.ts";
import { encodeChunks, encodeEntries, encodeItems, encodeLongString } from "./encode-lines.ts";
import { encodeValue } from "./encode-value.ts";
import { measureLines } from "./lines.ts";
import { replayEntries } from "./map-entries.ts";
import type { FindKnown, PlannedSlices, StoredRun } from "./pieces.ts";
import { isList, isRecord } from "./plain-data.ts";
import { planList } from "./plan-list.ts";
import { planMap } from "./plan-map.ts";
import { createSegment, type Segment } from "./segment.ts";

/** Encoded values up to this many characters lie in the checkpoint document itself. */
const MAX_INLINE_LENGTH = 256;

/**
 * The channel that holds a run's input is in one checkpoint only, so nothing is gained by a segment
 * that others could share.
 */
const MAX_INLINE_INPUT_LENGTH = 65_536;
const INPUT_CHANNEL = "__start__";

/** A value that is longer is stored in chunks, so that a change of a part stores that part. */
const MAX_WHOLE_LENGTH = 131_072;

/** How a channel's value is stored: its manifest, and the segments that must be there first. */
export interface EncodedChannel {
  readonly manifest: ChannelManifest;
  readonly segments: readonly Segment[];
}

/**
 * Encodes a channel's value as what it adds to the parent's.
 *
 * @param parent how the parent checkpoint stores this channel, if it does
 * @param findKnown the parent's segments; those not at hand are stored again
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function encodeChannel(
  channel: string,
  value: unknown,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): EncodedChannel {
  if (channel === INPUT_CHANNEL) {
    const text = encodeValue(value, channel);
    return text.length <= MAX_INLINE_INPUT_LENGTH ? inline(text) : asValue(text);
  }
  if (isList(value)) {
    const runs = readRuns("list", parent, findKnown);
    const lines = encodeItems(value, channel, listLines(runs));
    return measureLines(lines) < MAX_INLINE_LENGTH
      ? inline(`[${lines.join(",")}]`)
      : asSlices("list", planList(lines, runs, findKnown));
  }
  if (isRecord(value)) {
    const runs = readRuns("map", parent, findKnown);
    const stored = replayEntries(listLines(runs));
    const entries = encodeEntries(value, channel, stored);
    if (measureLines([...entries.values()]) > MAX_INLINE_LENGTH) {
      return asSlices("map", planMap(entries, { runs, live: stored }, findKnown));
    }
  }
  if (typeof value === "string" && value.length > MAX_WHOLE_LENGTH) {
    return asText(encodeLongString(value), parent, findKnown);
  }
  const text = encodeValue(value, channel);
  if (isSmall(text)) return inline(text);
  // What LangChain's loader has to read is asked about as a whole.
  if (text.length <= MAX_WHOLE_LENGTH || needsLoader(text)) return asValue(text);
  return asText(cutText(text), parent, findKnown);
}

function inline(text: string): EncodedChannel {
  return { manifest: { kind: "inline", text }, segments: [] };
}

function asValue(text: string): EncodedChannel {
  const segment = createSegment([text]);
  return { manifest: { kind: "value", segment: segment.id }, segments: [segment] };
}

function asText(
  text: Iterable<string>,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): EncodedChannel {
  const runs = readRuns("text", parent, findKnown);
  const chunks = encodeChunks(text, listLines(runs));
  return asSlices("text", planList(chunks, runs, findKnown));
}

function asSlices(kind: SlicedKind, { slices, segments }: PlannedSlices): EncodedChannel {
  return { manifest: { kind, slices }, segments };
}

function readRuns(
  kind: SlicedKind,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): readonly StoredRun[] {
  if (parent?.kind !== kind) return [];
  const runs: StoredRun[] = [];
  for (const { segment, from, to } of parent.slices) {
    const lines = findKnown(segment)?.read(parseSegmentId(segment));
    // A map's later entries mean nothing without the earlier ones.
    if (lines === undefined && kind === "map") return [];
    if (lines !== undefined) runs.push({ segment, from, lines: lines.slice(from, to) });
  }
  return runs;
}

function listLines(runs: readonly StoredRun[]): readonly string[] {
  return runs.flatMap(({ lines }) => lines);
}

function isSmall(text: string): boolean {
  return text.length <= MAX_INLINE_LENGTH;
}

/** The segments that hold the parts of this channel which a child would build upon. */
export function listReusable(manifest: ChannelManifest | undefined): readonly SegmentSlice[] {
  return manifest !== undefined && "slices" in manifest ? manifest.slices : [];
}
