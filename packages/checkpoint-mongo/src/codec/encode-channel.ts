import {
  parseSegmentId,
  type ChannelManifest,
  type SegmentSlice,
  type SlicedKind,
} from "../documents/index.ts";
import { breather } from "../event-loop/breather.ts";
import { cutText } from "./cut-text.ts";
import { needsLoader } from "./decode-value.ts";
import {
  encodeChunks,
  encodeEntries,
  encodeItems,
  encodeLongString,
  MAX_WHOLE_LENGTH,
} from "./encode-lines.ts";
import { encodeValue } from "./encode-value.ts";
import { measureLines } from "./lines.ts";
import { replayEntries, replayInPieces } from "./map-entries.ts";
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

/**
 * A channel's value as text, before anything is known of what is stored: taken at once, because
 * callers go on with the value and change it.
 */
export type ChannelText =
  /** The items of an array, a line each. */
  | { readonly kind: "list"; readonly lines: readonly string[] }
  /** The entries of a plain object: the line of every key, in key order. */
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, string> }
  /** A long string in chunks. */
  | { readonly kind: "text"; readonly chunks: readonly string[] }
  /** Anything else, and what is small, as one line. */
  | { readonly kind: "value"; readonly text: string };

/** How a channel's value is stored: its manifest, and the segments that must be there first. */
export interface EncodedChannel {
  readonly manifest: ChannelManifest;
  readonly segments: readonly Segment[];
}

/**
 * Turns a channel's value into text.
 *
 * @param parent how a checkpoint that this one may be a child of stores the channel, if one does
 * @param findKnown segments at hand: where a line is already in memory, that one is taken
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function writeChannel(
  channel: string,
  value: unknown,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): ChannelText {
  if (channel !== INPUT_CHANNEL) {
    if (isList(value)) {
      const lines = encodeItems(value, channel, listLines(readRuns("list", parent, findKnown)));
      return measureLines(lines) < MAX_INLINE_LENGTH
        ? { kind: "value", text: `[${lines.join(",")}]` }
        : { kind: "list", lines };
    }
    if (isRecord(value)) {
      const stored = replayEntries(listLines(readRuns("map", parent, findKnown)));
      const entries = encodeEntries(value, channel, stored);
      if (measureLines([...entries.values()]) > MAX_INLINE_LENGTH) return { kind: "map", entries };
    }
    if (typeof value === "string" && value.length > MAX_WHOLE_LENGTH) {
      const stored = listLines(readRuns("text", parent, findKnown));
      return { kind: "text", chunks: encodeChunks(encodeLongString(value), stored) };
    }
  }
  return { kind: "value", text: encodeValue(value, channel) };
}

/**
 * Plans how a channel's value is stored: as what it adds to the parent's.
 *
 * @param parent how the parent checkpoint stores this channel, if it does
 * @param findKnown the parent's segments; those not at hand are stored again
 */
export async function planChannel(
  channel: string,
  written: ChannelText,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): Promise<EncodedChannel> {
  switch (written.kind) {
    case "list": {
      const runs = readRuns("list", parent, findKnown);
      return asSlices("list", await planList(written.lines, runs, findKnown));
    }
    case "map": {
      const runs = readRuns("map", parent, findKnown);
      const live = await replayInPieces(eachLine(runs));
      return asSlices("map", await planMap(written.entries, { runs, live }, findKnown));
    }
    case "text": {
      const runs = readRuns("text", parent, findKnown);
      return asSlices("text", await planList(written.chunks, runs, findKnown));
    }
    case "value":
      return planValue(channel, written.text, parent, findKnown);
  }
}

async function planValue(
  channel: string,
  text: string,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): Promise<EncodedChannel> {
  if (channel === INPUT_CHANNEL) {
    return text.length <= MAX_INLINE_INPUT_LENGTH ? inline(text) : asValue(text);
  }
  if (isSmall(text)) return inline(text);
  // What LangChain's loader has to read is asked about as a whole.
  if (text.length <= MAX_WHOLE_LENGTH || needsLoader(text)) return asValue(text);
  const runs = readRuns("text", parent, findKnown);
  const chunks = await cutInPieces(text);
  const lines = encodeChunks(chunks, listLines(runs));
  return asSlices("text", await planList(lines, runs, findKnown));
}

async function cutInPieces(text: string): Promise<readonly string[]> {
  const chunks: string[] = [];
  for (const chunk of cutText(text)) {
    chunks.push(chunk);
    if (breather.isDue(chunk.length)) await breather.rest();
  }
  return chunks;
}

function inline(text: string): EncodedChannel {
  return { manifest: { kind: "inline", text }, segments: [] };
}

async function asValue(text: string): Promise<EncodedChannel> {
  const segment = await createSegment([text]);
  return { manifest: { kind: "value", segment: segment.id }, segments: [segment] };
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
    if (lines === undefined) continue;
    runs.push({
      segment,
      from,
      lines: from === 0 && to === undefined ? lines : lines.slice(from, to),
    });
  }
  return runs;
}

function* eachLine(runs: readonly StoredRun[]): Generator<string> {
  for (const { lines } of runs) yield* lines;
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
