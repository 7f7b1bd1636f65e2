import type { SegmentId } from "../documents/index.ts";
import { hexToBinary, toPackedBinary, type PackedBytes } from "./binary.ts";
import type { Collections } from "./collections.ts";
import type { ServerFeatures } from "./server-features.ts";
import { claim, writeFenced, type ThreadState } from "./thread-lifecycle.ts";
import type { BatchUpdate } from "./write-batch.ts";

/** A segment as it is stored. */
export interface SegmentToStore {
  readonly id: SegmentId;
  readonly packed: PackedBytes;
}

/** Bytes in one document; the limit is 16 MB for all of it. */
export const MAX_PART_BYTES: number = 8 * 1_024 * 1_024;

/**
 * The updates that store segments. One that is there already keeps its content, since the same
 * content has the same id, but becomes part of this life of its thread: it may be left over from an
 * earlier one that is just being removed, or marked by a sweep.
 */
export function segmentUpdates(
  thread: ThreadState,
  segments: readonly SegmentToStore[],
): BatchUpdate[] {
  const { $set, $unset } = claim(thread);
  return segments.flatMap(({ id, packed }) =>
    cutParts(packed.data).map((data, part) => ({
      collection: "segments" as const,
      filter: { thread_id: thread.threadId, segment: hexToBinary(id), part },
      update: {
        $setOnInsert: { data: toPackedBinary({ data, compression: packed.compression }) },
        $set,
        $unset: { ...$unset, condemned_at: "" },
      },
      upsert: true,
    })),
  );
}

/** Stores segments for themselves: those that are there already stay. */
export async function saveSegments(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
): Promise<void> {
  if (segments.length > 0) {
    await writeFenced(collections, features, thread, segmentUpdates(thread, segments));
  }
}

function cutParts(data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < data.byteLength; start += MAX_PART_BYTES) {
    parts.push(data.subarray(start, start + MAX_PART_BYTES));
  }
  return parts;
}
