import type { SegmentId, SegmentSlice } from "../documents/manifest.ts";
import { createSegment, type Segment } from "./segment.ts";

/** A slice of a stored segment together with its items. */
export interface StoredRun {
  readonly segment: SegmentId;
  readonly from: number;
  readonly lines: readonly string[];
}

/** One part of a value to be: items that are stored already, or items that are not. */
export interface Piece {
  readonly lines: readonly string[];
  /** Where the items are stored; undefined for new items. */
  readonly stored: { readonly segment: SegmentId; readonly from: number } | undefined;
}

/** The slices that make up a value, and the segments to store for them. */
export interface PlannedSlices {
  readonly slices: readonly SegmentSlice[];
  readonly segments: readonly Segment[];
}

/** New items are cut into segments of about this many bytes, so that reading a slice stays cheap. */
export const MAX_SEGMENT_BYTES = 1_048_576;

/** Turns pieces into slices, making segments of the new items. */
export function storePieces(
  pieces: readonly Piece[],
  sizeOfSegment: (segment: SegmentId) => number | undefined,
): PlannedSlices {
  const slices: SegmentSlice[] = [];
  const segments: Segment[] = [];
  for (const { lines, stored } of pieces) {
    if (stored === undefined) {
      for (const run of cutRuns(lines)) {
        const segment = createSegment(run);
        segments.push(segment);
        slices.push({ segment: segment.id, from: 0, to: undefined });
      }
    } else {
      const end = stored.from + lines.length;
      const to = end === sizeOfSegment(stored.segment) ? undefined : end;
      slices.push({ segment: stored.segment, from: stored.from, to });
    }
  }
  return { slices, segments };
}

/** Bytes of these items, about: characters count as one byte. */
export function measureLines(lines: readonly string[]): number {
  let bytes = 0;
  for (const line of lines) bytes += line.length + 1;
  return bytes;
}

function* cutRuns(lines: readonly string[]): Generator<readonly string[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < lines.length; index += 1) {
    const size = lines[index]!.length + 1;
    if (index > start && bytes + size > MAX_SEGMENT_BYTES) {
      yield lines.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < lines.length) yield lines.slice(start);
}
