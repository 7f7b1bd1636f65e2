import type { Document, PushOperator, UpdateFilter } from "mongodb";
import { parseSegmentId, type ContentHash, type SegmentId } from "../documents/index.ts";
import { hexToBinary, toBinary, toPackedBinary, type PackedBytes } from "./binary.ts";
import type { Collections } from "./collections.ts";
import type { ServerFeatures } from "./server-features.ts";
import { claim, writeFenced, type ThreadState } from "./thread-lifecycle.ts";
import type { BatchUpdate } from "./write-batch.ts";

/** A segment as it is stored, or what is appended to one. Its id says which. */
export interface SegmentToStore {
  readonly id: SegmentId;
  readonly packed: PackedBytes;
}

/** Bytes in one document; the limit is 16 MB for all of it. */
export const MAX_PART_BYTES: number = 8 * 1_024 * 1_024;

/**
 * The updates that store segments, and those that append to them. A segment that is there already
 * keeps its content, since the same content has the same id, but becomes part of this life of its
 * thread: it may be left over from an earlier one that is just being removed, or marked by a sweep.
 */
export function segmentUpdates(
  thread: ThreadState,
  segments: readonly SegmentToStore[],
): BatchUpdate[] {
  return segments.flatMap(({ id, packed }) => {
    const { root, appends } = parseSegmentId(id);
    return appends === 0
      ? creations(thread, root, packed)
      : [appending(thread, root, appends, packed)];
  });
}

function creations(thread: ThreadState, root: ContentHash, packed: PackedBytes): BatchUpdate[] {
  return cutParts(packed.data).map((data, part) =>
    claimSegment(thread, root, part, {
      $setOnInsert: {
        data: toPackedBinary({ data, compression: packed.compression }),
        appends: 0,
      },
    }),
  );
}

/**
 * Appends only where nothing else has been appended since. If something was, the upsert collides
 * with the segment that is there, which ends the batch.
 */
function appending(
  thread: ThreadState,
  root: ContentHash,
  appends: number,
  packed: PackedBytes,
): BatchUpdate {
  const { filter, ...update } = claimSegment(thread, root, 0, {
    $push: { more: toBinary(packed.data) } as unknown as PushOperator<Document>,
    $inc: { appends: 1 },
  });
  return { ...update, filter: { ...filter, appends: appends - 1 } };
}

function claimSegment(
  thread: ThreadState,
  root: ContentHash,
  part: number,
  change: UpdateFilter<Document>,
): BatchUpdate {
  const { $set, $unset } = claim(thread);
  return {
    collection: "segments",
    filter: { thread_id: thread.threadId, segment: hexToBinary(root), part },
    update: { ...change, $set, $unset: { ...$unset, condemned_at: "" } },
    upsert: true,
  };
}

/**
 * Stores segments for themselves: those that are there already stay. What was appended to one is
 * left out, since a stored checkpoint refers to such a segment and no sweep removes it.
 */
export async function saveSegments(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
): Promise<void> {
  const whole = segments.filter(({ id }) => parseSegmentId(id).appends === 0);
  if (whole.length > 0) {
    await writeFenced(collections, features, thread, segmentUpdates(thread, whole));
  }
}

function cutParts(data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < data.byteLength; start += MAX_PART_BYTES) {
    parts.push(data.subarray(start, start + MAX_PART_BYTES));
  }
  return parts;
}
