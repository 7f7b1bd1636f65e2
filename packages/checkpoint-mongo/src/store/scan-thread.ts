import type { FindCursor } from "mongodb";
import type {
  CheckpointDocument,
  SegmentDocument,
  StoredBytes,
  WriteSetDocument,
} from "../documents/index.ts";
import type { Collections } from "./collections.ts";

/** All checkpoints of a thread, by namespace and order. */
export function scanCheckpoints(
  { checkpoints }: Collections,
  threadId: string,
): FindCursor<CheckpointDocument> {
  return checkpoints
    .find({ thread_id: threadId, kind: "checkpoint" })
    .sort({ checkpoint_ns: 1, seq: 1 });
}

/** All pending writes of a thread, those of a checkpoint one after the other. */
export function scanWrites(
  { writes }: Collections,
  threadId: string,
): FindCursor<WriteSetDocument> {
  return writes
    .find({ thread_id: threadId, kind: "writes" })
    .sort({ checkpoint_ns: 1, checkpoint_id: 1, task_id: 1, idx: 1 });
}

/** All segments of a thread, the parts of each one after the other. */
export function scanSegments(
  { segments }: Collections,
  threadId: string,
): FindCursor<SegmentDocument> {
  return segments.find({ thread_id: threadId, kind: "segment" }).sort({ segment: 1, part: 1 });
}

/** What a thread's segments are, without their data. */
export type SegmentHead = Pick<SegmentDocument, "_id" | "segment" | "condemned_at">;

/** All segments of a thread without their data. */
export function scanSegmentHeads(
  { segments }: Collections,
  threadId: string,
): FindCursor<SegmentHead> {
  return segments
    .find({ thread_id: threadId, kind: "segment" })
    .project<SegmentHead>({ segment: 1, condemned_at: 1 });
}

/** The segments that a thread's checkpoints and pending writes refer to. */
export async function* scanReferences(
  { checkpoints, writes }: Collections,
  threadId: string,
): AsyncGenerator<StoredBytes> {
  for await (const { segments } of checkpoints
    .find({ thread_id: threadId, kind: "checkpoint" })
    .project<Pick<CheckpointDocument, "segments">>({ segments: 1 })) {
    yield segments;
  }
  for await (const { writes: set } of writes
    .find({ thread_id: threadId, kind: "writes", "writes.value.segment": { $exists: true } })
    .project<Pick<WriteSetDocument, "writes">>({ writes: 1 })) {
    for (const { value } of set) if ("segment" in value) yield value.segment;
  }
}

/** The ids of all threads. */
export async function* scanThreadIds({ threads }: Collections): AsyncGenerator<string> {
  // That every id is at least the empty one leads planners to the records' own index.
  const all = { kind: "thread", thread_id: { $gte: "" } } as const;
  for await (const { _id } of threads.find(all).project<{ _id: string }>({ _id: 1 })) yield _id;
}
