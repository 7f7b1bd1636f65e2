import type { CheckpointDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import { saveAhead, type SegmentToStore } from "./save-segments.ts";
import type { ServerFeatures } from "./server-features.ts";
import { claim, writeFenced, type ThreadState } from "./thread-lifecycle.ts";
import type { BatchWrite } from "./write-batch.ts";

/** A checkpoint document but for what the thread's state adds. */
export type CheckpointToStore = Omit<CheckpointDocument, "epoch" | "expires_at" | "head">;

/** How saving a checkpoint ended. Failures of the server are thrown. */
export type SaveOutcome = "saved" | "conflict";

/**
 * Saves a new checkpoint with the segments it needs and makes it the latest of its namespace. It is
 * a conflict if the thread has changed, the address is taken, or another writer took the place in
 * the order.
 *
 * @param replaced the checkpoints that were the latest so far
 */
export async function saveCheckpoint(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
  checkpoint: CheckpointToStore,
  replaced: readonly ReplacedCheckpoint[],
): Promise<SaveOutcome> {
  const { thread_id, checkpoint_ns, seq, ...content } = checkpoint;
  const place = { thread_id, checkpoint_ns };
  const stored = await saveAhead(collections, features, thread, segments);
  if (stored === undefined) return "conflict";
  const { $set: threadPart } = claim(thread);
  const outcome = await writeFenced(collections, features, thread, [
    ...stored,
    {
      collection: "checkpoints",
      filter: { ...place, seq },
      // If another checkpoint has this place in the order, it is found and stays as it is.
      update: { $setOnInsert: { ...content, ...threadPart, head: true } },
      upsert: true,
    },
    ...replaced.flatMap((earlier) => replace(place, earlier)),
  ]);
  return outcome.kind === "done" && outcome.inserted.has(stored.length) ? "saved" : "conflict";
}

/** A checkpoint that was the latest of its namespace. */
export interface ReplacedCheckpoint {
  readonly checkpointId: string;
  /** Its place in the order. */
  readonly seq: number;
  /** Whether it is removed, with the pending writes that belong to it. */
  readonly isRemoved: boolean;
}

function replace(
  place: { readonly thread_id: string; readonly checkpoint_ns: string },
  { checkpointId, seq, isRemoved }: ReplacedCheckpoint,
): readonly BatchWrite[] {
  const filter = { ...place, seq };
  if (!isRemoved) return [{ collection: "checkpoints", filter, update: { $unset: { head: "" } } }];
  return [
    { collection: "checkpoints", filter, remove: true },
    { collection: "writes", filter: { ...place, checkpoint_id: checkpointId }, remove: true },
  ];
}

/** Fields that a checkpoint may lack. */
const OPTIONAL_FIELDS = [
  "parent_checkpoint_id",
  "parent_hash",
  "metadata",
  "metadata_encoded",
  "upserted_at",
] as const satisfies readonly (keyof CheckpointToStore)[];

/**
 * Gives a checkpoint that is stored already another content, as a second `put` of the same id asks
 * for, or makes it one of this life of its thread. Its place in the order stays. It is a conflict if
 * it is not there any more: what an earlier life of the thread left is removed at any time.
 */
export async function replaceCheckpoint(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
  checkpoint: CheckpointToStore,
): Promise<SaveOutcome> {
  const { _id, thread_id, checkpoint_ns, checkpoint_id, seq, ...content } = checkpoint;
  const { $set, $unset } = claim(thread);
  const absent = OPTIONAL_FIELDS.filter((field) => content[field] === undefined);
  const stored = await saveAhead(collections, features, thread, segments);
  if (stored === undefined) return "conflict";
  const outcome = await writeFenced(collections, features, thread, [
    ...stored,
    {
      collection: "checkpoints",
      filter: { thread_id, checkpoint_id, checkpoint_ns, seq },
      update: {
        $set: { ...content, ...$set },
        $unset: { ...$unset, ...Object.fromEntries(absent.map((field) => [field, ""])) },
      },
    },
  ]);
  return outcome.kind === "done" && outcome.unmatched === 0 ? "saved" : "conflict";
}
