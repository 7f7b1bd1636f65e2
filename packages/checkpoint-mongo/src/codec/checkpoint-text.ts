import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import {
  listSegments,
  type ChannelManifest,
  type Manifest,
  type SegmentId,
  type SegmentSlice,
} from "../documents/manifest.ts";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";

/** A checkpoint without its id and its channels' values, which are kept elsewhere. */
export type CheckpointHeader = Omit<Checkpoint, "id" | "channel_values">;

/** The text of a checkpoint, and the segments that the numbers in it stand for. */
export interface CheckpointText {
  readonly text: string;
  readonly segments: readonly SegmentId[];
}

// A slice is [segment, from, to], or just the segment's number for the whole of it.
type StoredSlice = number | readonly [number, number] | readonly [number, number, number];
type StoredChannel =
  | readonly ["i", string]
  | readonly ["v", number]
  | readonly ["l" | "m", ...StoredSlice[]]
  | readonly ["t", number, string];

/** Writes a checkpoint's header and manifest; ids of segments are replaced by numbers. */
export function encodeCheckpointText(header: CheckpointHeader, manifest: Manifest): CheckpointText {
  const segments = listSegments(manifest);
  const numbers = new Map(segments.map((segment, index) => [segment, index]));
  const channels = Array.from(manifest, ([name, channel]) => [
    name,
    compactChannel(channel, (segment) => numbers.get(segment)!),
  ]);
  return {
    text: `${encodeValue(header, "checkpoint")}\n${JSON.stringify(channels)}`,
    segments,
  };
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
  const lineBreak = text.indexOf("\n");
  const header = decodeValue(text.slice(0, lineBreak)) as CheckpointHeader;
  const channels = JSON.parse(text.slice(lineBreak + 1)) as [string, StoredChannel][];
  const manifest = new Map(
    channels.map(([name, channel]) => [
      name,
      expandChannel(channel, (number) => readSegment(segments, number)),
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
      return [
        channel.kind === "list" ? "l" : "m",
        ...channel.slices.map((slice) => compactSlice(slice, numberOf(slice.segment))),
      ];
  }
}

function compactSlice({ from, to }: SegmentSlice, number: number): StoredSlice {
  if (to !== undefined) return [number, from, to];
  return from === 0 ? number : [number, from];
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
    case "m": {
      const [kind, ...slices] = channel;
      return {
        kind: kind === "l" ? "list" : "map",
        slices: slices.map((slice) => expandSlice(slice, segmentOf)),
      };
    }
    default:
      throw new Error(`unknown kind of channel ${JSON.stringify(channel[0])}`);
  }
}

function expandSlice(slice: StoredSlice, segmentOf: (number: number) => SegmentId): SegmentSlice {
  if (typeof slice === "number") return { segment: segmentOf(slice), from: 0, to: undefined };
  return { segment: segmentOf(slice[0]), from: slice[1], to: slice[2] };
}

function readSegment(segments: readonly SegmentId[], number: number): SegmentId {
  const segment = segments[number];
  if (segment === undefined) throw new Error(`there is no segment number ${number}`);
  return segment;
}
