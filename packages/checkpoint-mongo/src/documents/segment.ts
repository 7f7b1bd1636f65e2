import type { Fault } from "../errors/corruption.ts";
import type { PackedBytes } from "./packed-bytes.ts";
import type { ContentHash, SegmentId } from "./segment-id.ts";

/** A segment to store, or items to append to a stored one. Its id says which. */
export interface SegmentToStore {
  readonly id: SegmentId;
  /**
   * Compresses the content to store, again at every call: if all of a large state were kept in this form,
   * it would be in memory twice. A promise if the content is large.
   */
  pack(): PackedBytes | Promise<PackedBytes>;
}

/** A stored segment, its parts put together. */
export interface StoredSegment {
  readonly threadId: string;
  readonly root: ContentHash;
  /** The content that it began with. */
  readonly packed: PackedBytes;
  /** What was appended, part by part. */
  readonly more: readonly Uint8Array[];
  /** Whether every append that the document counts is there. */
  readonly isComplete: boolean;
  /** Why it cannot be used, whatever it holds. */
  readonly fault: Fault | undefined;
}
