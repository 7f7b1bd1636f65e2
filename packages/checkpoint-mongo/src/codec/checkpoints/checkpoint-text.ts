import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import {
  joinSegmentIds,
  parseSegmentId,
  splitSegmentIds,
  type SegmentId,
} from "../../documents/segment-id.ts";
import {
  listSegments,
  type ChannelManifest,
  type Manifest,
  type SlicedKind,
  type Wrapper,
} from "../../documents/manifest.ts";
import { UnsupportedFormatError } from "../../errors/unsupported-format-error.ts";
import { decodeValue } from "../values/decode-value.ts";
import { encodeValue } from "../values/encode-value.ts";
import { writePlainJson } from "../values/plain-json.ts";
import { decodeSlices, encodeSlices } from "./slice-numbers.ts";

/** A checkpoint without its id and the values of its channels. */
export type CheckpointHeader = Omit<Checkpoint, "id" | "channel_values">;

/** The text of a checkpoint, and the segments that it names by number. */
export interface CheckpointText {
  readonly text: string;
  /** Ids of the segments, see {@link joinSegmentIds}. */
  readonly segments: Uint8Array;
}

/**
 * A longer text is neither stored nor unpacked. It is the limit of a document, so that no checkpoint depends
 * on how well it is compressed. Most texts have a few kilobytes.
 */
export const MAX_TEXT_BYTES: number = 16 * 1_024 * 1_024;

/**
 * The most slices of a checkpoint. A thousand channels, each edited everywhere, have a quarter of it. In
 * memory a slice takes about a hundred bytes, in the text only six.
 */
const MAX_SLICES = 262_144;

const SLICED_LETTERS = { list: "l", map: "m", text: "x" } as const;
const WRAPPER_LETTERS = { delta: "d", map: "m", set: "s" } as const;

type SlicedName =
  | (typeof SLICED_LETTERS)[SlicedKind]
  | `${(typeof SLICED_LETTERS)[SlicedKind]}${(typeof WRAPPER_LETTERS)[Wrapper]}`;

type StoredChannel =
  | readonly ["i", string]
  | readonly ["v", number]
  | readonly [SlicedName, ...number[]]
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
 * Writes the manifest of a checkpoint after its header, with numbers in place of the ids of segments. A third
 * line has the plain lengths of the segments. A fourth line has their numbers of appends, if there are any.
 */
export function encodeCheckpointText(header: string, manifest: Manifest): CheckpointText {
  const segments = listSegments(manifest);
  const numbers = new Map(segments.map((segment, index) => [segment, index]));
  const channels = Array.from(manifest, ([name, channel]) => [
    name,
    compactChannel(channel, (segment) => numbers.get(segment)!),
  ]);
  const names = segments.map(parseSegmentId);
  const lines = [header, writePlainJson(channels)];
  if (names.length > 0) lines.push(writePlainJson(names.map(({ length }) => length)));
  const appends = names.map((name) => name.appends);
  if (appends.some((count) => count > 0)) lines.push(writePlainJson(appends));
  return { text: lines.join("\n"), segments: joinSegmentIds(segments) };
}

/**
 * Reads what {@link encodeCheckpointText} wrote.
 *
 * @throws UnsupportedFormatError if a channel is of an unknown kind
 * @throws Error if it is not such a text
 */
export function decodeCheckpointText({ text, segments }: CheckpointText): {
  header: CheckpointHeader;
  manifest: Manifest;
} {
  const [headerText = "", channelsText = "", lengths = "[]", appends = "[]"] = text.split("\n");
  const header = readHeader(headerText);
  const channels = JSON.parse(channelsText) as [string, StoredChannel][];
  const numbers = channels.reduce((sum, [, channel]) => sum + channel.length - 1, 0);
  if (numbers > 3 * MAX_SLICES) throw new Error(`more than ${MAX_SLICES} slices`);
  const ids = splitSegmentIds(segments, {
    lengths: JSON.parse(lengths) as number[],
    appends: JSON.parse(appends) as number[],
  });
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
      return [nameSliced(channel), ...encodeSlices(channel.slices, numberOf)];
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
    default: {
      const [name, ...numbers] = channel;
      const sliced = SLICED_NAMES.get(name);
      if (sliced === undefined) {
        throw new UnsupportedFormatError(`a channel of kind ${JSON.stringify(name)}`);
      }
      return { ...sliced, slices: decodeSlices(numbers, segmentOf) };
    }
  }
}

type Sliced = Pick<Extract<ChannelManifest, { kind: SlicedKind }>, "kind" | "wrapper">;

/** How a kind is written: one letter, and a second one for a wrapper. */
function nameSliced({ kind, wrapper }: Sliced): SlicedName {
  const letter = SLICED_LETTERS[kind];
  return wrapper === undefined ? letter : `${letter}${WRAPPER_LETTERS[wrapper]}`;
}

const SLICED_NAMES: ReadonlyMap<string, Sliced> = new Map(
  (Object.keys(SLICED_LETTERS) as SlicedKind[]).flatMap((kind) => {
    const wrapped = (Object.keys(WRAPPER_LETTERS) as Wrapper[]).map((wrapper) => ({
      kind,
      wrapper,
    }));
    return [{ kind }, ...wrapped].map((sliced) => [nameSliced(sliced), sliced] as const);
  }),
);

function readSegment(segments: readonly SegmentId[], number: number): SegmentId {
  const segment = segments[number];
  if (segment === undefined) throw new Error(`there is no segment number ${number}`);
  return segment;
}
