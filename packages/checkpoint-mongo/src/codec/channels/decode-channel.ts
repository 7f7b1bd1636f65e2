import type { ChannelManifest, SegmentSlice, SlicedKind } from "../../documents/manifest.ts";
import type { SegmentId } from "../../documents/segment-id.ts";
import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import type { AllowedObjects } from "../values/allowed-objects.ts";
import { define } from "../values/define.ts";
import { decodeLine, decodeLines } from "../items/decode-lines.ts";
import { decodeLongString } from "../texts/decode-long-string.ts";
import { decodeValue } from "../values/decode-value.ts";
import type { LineShadows } from "../items/line-shadows.ts";
import { replayInPieces } from "../items/map-entries.ts";
import { wrap } from "./wrapped-values.ts";

/** A channel in this package's own encoding, not a user's serializer's. */
export type NativeManifest = Exclude<ChannelManifest, { kind: "typed" }>;

/**
 * Decodes the value of a channel from the items of its segments. Every call returns fresh objects.
 *
 * @param shadows lines with a shadow are copied from it, which is faster than parsing them
 * @param allowed see `decodeValue`
 * @throws Error if the items are not text of this package
 */
export async function decodeChannel(
  manifest: NativeManifest,
  readLines: (segment: SegmentId) => readonly string[],
  shadows?: LineShadows,
  allowed?: AllowedObjects,
): Promise<unknown> {
  switch (manifest.kind) {
    case "inline":
      return decodeValue(manifest.text, allowed);
    case "value":
      return decodeValue(readLines(manifest.segment).join("\n"), allowed);
    default: {
      const lines = readSlices(manifest.slices, readLines);
      return wrap(manifest.wrapper, await decodeSliced(manifest.kind, lines, shadows, allowed));
    }
  }
}

async function decodeSliced(
  kind: SlicedKind,
  lines: Iterable<string>,
  shadows: LineShadows | undefined,
  allowed: AllowedObjects | undefined,
): Promise<unknown> {
  switch (kind) {
    case "list":
      return decodeLines(lines, shadows, allowed);
    case "text":
      return decodeText([...lines], allowed);
    case "map":
      return decodeMap(lines, shadows, allowed);
  }
}

function* readSlices(
  slices: readonly SegmentSlice[],
  readLines: (segment: SegmentId) => readonly string[],
): Generator<string> {
  for (const { segment, from, to } of slices) {
    const lines = readLines(segment);
    const end = to ?? lines.length;
    for (let index = from; index < end; index += 1) yield lines[index]!;
  }
}

/** A long value that is not a string has to be parsed as a whole. */
function decodeText(chunks: readonly string[], allowed: AllowedObjects | undefined): unknown {
  return chunks[0]?.startsWith('"')
    ? decodeLongString(chunks)
    : decodeValue(chunks.join(""), allowed);
}

async function decodeMap(
  lines: Iterable<string>,
  shadows: LineShadows | undefined,
  allowed: AllowedObjects | undefined,
): Promise<Record<string, unknown>> {
  const live = await replayInPieces(lines);
  const map: Record<string, unknown> = {};
  for (const [key, line] of live) {
    const decoded = decodeLine(line, shadows, allowed);
    const entry = decoded instanceof Promise ? ((await decoded) as unknown) : decoded;
    const [, value] = entry as readonly [string, unknown];
    if (key === "__proto__") define(map, key, value);
    else map[key] = value;
    if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
  }
  return map;
}
