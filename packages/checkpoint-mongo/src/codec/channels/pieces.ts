import type { SegmentId } from "../../documents/segment-id.ts";
import type { SegmentSlice } from "../../documents/manifest.ts";
import type { KnownSegment } from "../segments/known-segment.ts";
import type { Segment } from "../segments/segment.ts";

/** Finds a stored segment in memory; undefined if it is not there. */
export type FindKnown = (segment: SegmentId) => KnownSegment | undefined;

/** A slice of a stored segment together with its items. */
export interface StoredRun {
  readonly segment: SegmentId;
  readonly from: number;
  readonly lines: readonly string[];
}

/** One part of a new value: items that are stored already, or new items. */
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
