import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import {
  joinSegmentIds,
  listSegments,
  parseSegmentId,
  splitSegmentIds,
  type ChannelManifest,
  type Manifest,
  type SegmentId,
} from "../documents/index.ts";
import { UnsupportedFormatError } from "../errors/index.ts";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";
import { decodeSlices, encodeSlices } from "./slice-numbers.ts";

/** A checkpoint without its id and its channels' values, which are kept elsewhere. */
export type CheckpointHeader = Omit<Checkpoint, "id" | "channel_values">;

/** The text of a checkpoint, and the segments that the numbers in it stand for. */
export interface CheckpointText {
  readonly text: string;
  /** Ids of the segments, see {@link joinSegmentIds}. */
  readonly segments: Uint8Array;
}

const SLICED_KINDS = { l: "list", m: "map", x: "text" } as const;
const SLICED_LETTERS = { list: "l", map: "m", text: "x" } as const;

type StoredChannel =
  | readonly ["i", string]
  | readonly ["v", number]
  | readonly [keyof typeof SLICED_KINDS, ...number[]]
  | readonly ["t", number, string];

/** The text of a checkpoint's header. */
export function writeHeader(header: CheckpointHeader): string {
  return encodeValue(header, "checkpoint");
}

/** Reads what {@link writeHeader} wrote. */
export function readHeader(text: string): CheckpointHeader {
  return decodeValue(text) as CheckpointHeader;
}

/**
 * Writes a checkpoint's manifest after its header; ids of segments are replaced by numbers. A third
 * line says how often the segments had been appended to, if any was.
 */
export function encodeCheckpointText(header: string, manifest: Manifest): CheckpointText {
  const segments = listSegments(manifest);
  const numbers = new Map(segments.map((segment, index) => [segment, index]));
  const channels = Array.from(manifest, ([name, channel]) => [
    name,
    compactChannel(channel, (segment) => numbers.get(segment)!),
  ]);
  const lines = [header, JSON.stringify(channels)];
  const appends = segments.map((segment) => parseSegmentId(segment).appends);
  if (appends.some((count) => count > 0)) lines.push(JSON.stringify(appends));
  return { text: lines.join("\n"), segments: joinSegmentIds(segments) };
}

/**
 * Reads what {@link encodeCheckpointText} wrote.
 *
 * @throws Error if it is no such text
 */
export function decodeCheckpointText({ text, segments }: CheckpointText): {
  header: CheckpointHeader;
  manifest: Manifest;
} {
  const [headerText = "", channelsText = "", appendsText = "[]"] = text.split("\n");
  const header = readHeader(headerText);
  const channels = JSON.parse(channelsText) as [string, StoredChannel][];
  const ids = splitSegmentIds(segments, JSON.parse(appendsText) as number[]);
  const manifest = new Map(
    channels.map(([name, channel]) => [
      name,
      expandChannel(channel, (number) => readSegment(ids, number)),
    ]),
  );
  return { header, manifest };
}

function compactChannel(
  channel: ChannelManifest,
  numberOf: (segment: SegmentId) => number,
): StoredChannel {
  switch (channel.kind) {
    case "inline":
      return ["i", channel.text];
    case "value":
      return ["v", numberOf(channel.segment)];
    case "typed":
      return ["t", numberOf(channel.segment), channel.type];
    default:
      return [SLICED_LETTERS[channel.kind], ...encodeSlices(channel.slices, numberOf)];
  }
}

function expandChannel(
  channel: StoredChannel,
  segmentOf: (number: number) => SegmentId,
): ChannelManifest {
  switch (channel[0]) {
    case "i":
      return { kind: "inline", text: channel[1] };
    case "v":
      return { kind: "value", segment: segmentOf(channel[1]) };
    case "t":
      return { kind: "typed", segment: segmentOf(channel[1]), type: channel[2] };
    case "l":
    case "m":
    case "x": {
      const [kind, ...numbers] = channel;
      return { kind: SLICED_KINDS[kind], slices: decodeSlices(numbers, segmentOf) };
    }
    default:
      throw new UnsupportedFormatError(`a channel of kind ${JSON.stringify(channel[0])}`);
  }
}

function readSegment(segments: readonly SegmentId[], number: number): SegmentId {
  const segment = segments[number];
  if (segment === undefined) throw new Error(`there is no segment number ${number}`);
  return segment;
}
