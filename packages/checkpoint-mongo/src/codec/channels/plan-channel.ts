import type {
  ChannelManifest,
  SegmentSlice,
  SlicedKind,
  Wrapper,
} from "../../documents/manifest.ts";
import { breather } from "../../event-loop/breather.ts";
import { cutText } from "../texts/cut-text.ts";
import { encodeChunks } from "../items/encode-lines.ts";
import { MAX_WHOLE_LENGTH } from "../texts/encode-long-string.ts";
import { replayInPieces } from "../items/map-entries.ts";
import { needsLoader } from "../values/needs-loader.ts";
import type { FindKnown, PlannedSlices } from "./pieces.ts";
import { planList } from "./plan-list.ts";
import { planMap } from "./plan-map.ts";
import { createSegment, type Segment } from "../segments/segment.ts";
import { INPUT_CHANNEL, MAX_INLINE_LENGTH } from "./small-values.ts";
import { eachLine, listLines, readRuns } from "./stored-runs.ts";
import type { ChannelText } from "./write-channel.ts";

/** The input of a run lies in the checkpoint itself, up to this many characters. */
const MAX_INLINE_INPUT_LENGTH = 65_536;

/** How the value of a channel is stored: its manifest, and the segments that must be stored first. */
export interface EncodedChannel {
  readonly manifest: ChannelManifest;
  readonly segments: readonly Segment[];
}

/**
 * Plans how the value of a channel is stored: only what it adds to the parent's value.
 *
 * @param parent how the parent checkpoint stores this channel, if it does
 * @param findKnown finds the parent's segments; those that are not in memory are stored again
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
      return asSlices("list", await planList(written.lines, runs, findKnown), written.wrapper);
    }
    case "map": {
      const runs = readRuns("map", parent, findKnown);
      const live = await replayInPieces(eachLine(runs));
      const planned = await planMap(written.entries, { runs, live }, findKnown);
      return asSlices("map", planned, written.wrapper);
    }
    case "text": {
      const runs = readRuns("text", parent, findKnown);
      return asSlices("text", await planList(written.chunks, runs, findKnown), written.wrapper);
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
  // Whether LangChain's loader is needed is decided for a value as a whole, so it is not cut.
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

function asSlices(
  kind: SlicedKind,
  { slices, segments }: PlannedSlices,
  wrapper?: Wrapper,
): EncodedChannel {
  const manifest = { kind, slices, ...(wrapper !== undefined && { wrapper }) };
  return { manifest, segments };
}

function isSmall(text: string): boolean {
  return text.length <= MAX_INLINE_LENGTH;
}

/** The slices of a channel that a child checkpoint can build upon. */
export function listReusable(manifest: ChannelManifest | undefined): readonly SegmentSlice[] {
  return manifest !== undefined && "slices" in manifest ? manifest.slices : [];
}
