import { parseSegmentId, type SegmentId } from "./segment-id.ts";

/** A run of consecutive items of one segment: from `from` (inclusive) to `to` (exclusive). */
export interface SegmentSlice {
  readonly segment: SegmentId;
  readonly from: number;
  /** Undefined for the segment's end. */
  readonly to: number | undefined;
}

/**
 * What the value of a channel is made of.
 *
 * - `inline`: the encoded value itself, for small values.
 * - `value`: the encoded value is the content of one segment.
 * - `list`: the items of an array, slice after slice.
 * - `map`: entries of a plain object, applied slice after slice; later ones win.
 * - `text`: the chunks of a long encoded value, to be joined.
 * - `typed`: bytes of the user's own serializer, with the type it gave them.
 *
 * With a `wrapper`, the value is that wrapper around what the slices make.
 */
export type ChannelManifest =
  | { readonly kind: "inline"; readonly text: string }
  | { readonly kind: "value"; readonly segment: SegmentId }
  | {
      readonly kind: SlicedKind;
      readonly slices: readonly SegmentSlice[];
      readonly wrapper?: Wrapper | undefined;
    }
  | { readonly kind: "typed"; readonly type: string; readonly segment: SegmentId };

/** The kinds of values that are made of slices. */
export type SlicedKind = "list" | "map" | "text";

/**
 * A wrapper around another value: a snapshot of LangGraph's delta channels, or a Set or a Map around the list
 * of its items or entries.
 */
export type Wrapper = "delta" | "map" | "set";

/** The manifests of all channels of a checkpoint, by name, in the order of the state. */
export type Manifest = ReadonlyMap<string, ChannelManifest>;

/** The segments that a manifest refers to, each once, in the order of first use. */
export function listSegments(manifest: Manifest): SegmentId[] {
  const segments = new Set<SegmentId>();
  for (const channel of manifest.values()) {
    if ("slices" in channel) {
      for (const slice of channel.slices) segments.add(slice.segment);
    } else if (channel.kind !== "inline") {
      segments.add(channel.segment);
    }
  }
  return [...segments];
}

/** An upper bound for the bytes of all values: each slice counts as its whole segment. */
export function measureAtMost(manifest: Manifest): number {
  let bytes = 0;
  for (const channel of manifest.values()) {
    if ("slices" in channel) {
      for (const { segment } of channel.slices) bytes += parseSegmentId(segment).length;
    } else {
      bytes +=
        channel.kind === "inline" ? channel.text.length : parseSegmentId(channel.segment).length;
    }
  }
  return bytes;
}
