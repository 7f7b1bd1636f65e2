import type { CheckpointDocument, DocumentKind, StoredStanding } from "../documents/documents.ts";
import type { FencedThread } from "./fenced-thread.ts";
import type { Submission } from "./group-commit.ts";
import { countCheckpoint, isCounted } from "./mark-sets.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import { saveAhead } from "./save-segments.ts";
import type { Store } from "./store.ts";

/** A checkpoint document but for what the thread's state adds. */
export type CheckpointToStore = Omit<
  CheckpointDocument,
  "epoch" | "expires_at" | "head" | "stands" | "next"
>;

/** How saving a checkpoint ended. Failures of the server are thrown. */
export type SaveOutcome = "saved" | "conflict";

/**
 * How saving a new one ended. It may be stored although the thread has changed meanwhile (overtaken), or the thread had
 * changed before, so that nothing was stored (unbegun).
 */
export type SaveNewOutcome = SaveOutcome | "overtaken" | "unbegun";

/** What is saved along with a new checkpoint. */
export interface SaveCheckpointOptions {
  /** The segments that it needs and that may not be stored yet. */
  readonly segments: readonly SegmentToStore[];
  /** The checkpoints that were the latest so far. */
  readonly replaced: readonly ReplacedCheckpoint[];
  /** What must come before: pending writes of the parent. */
  readonly after: readonly Submission[];
  /** Whether the thread's record names its place. */
  readonly isWitnessed: boolean;
  /** Where the thread stands from then on; undefined if the checkpoint does not say. */
  readonly stands: StoredStanding | undefined;
}

/**
 * Saves a new checkpoint with the segments it needs and makes it the latest of its namespace. It is
 * a conflict if the thread has changed, the address is taken, or another writer took the place in
 * the order.
 */
export async function saveCheckpoint(
  thread: FencedThread,
  checkpoint: CheckpointToStore,
  { segments, replaced, after, isWitnessed, stands }: SaveCheckpointOptions,
): Promise<SaveNewOutcome> {
  const { thread_id, kind, checkpoint_ns, seq, ...content } = checkpoint;
  const namespace = { thread_id, kind, checkpoint_ns };
  const stored = await saveAhead(thread, segments);
  if (stored === undefined) return "conflict";
  const updates = [
    ...stored,
    {
      filter: { ...namespace, seq },
      update: {
        $setOnInsert: { ...content, ...thread.part, head: true, ...(stands && { stands }) },
      },
      upsert: true,
      mustBeNew: true,
    },
    ...replaced.map((earlier) => ({
      filter: { ...namespace, seq: earlier.seq },
      // A mark that is moved back onto one that had a successor shows on reading.
      update: { $unset: { head: "" as const, stands: "" as const }, $set: { next: seq } },
    })),
    ...(isWitnessed && isCounted(checkpoint_ns)
      ? [countCheckpoint(thread.state, checkpoint_ns, seq)]
      : []),
  ];
  const outcome = await thread.write(updates, {
    after,
    isFirst: stands !== undefined && replaced.length === 0,
    takesPlace: true,
  });
  const isInserted = outcome.inserted.has(stored.length);
  if (outcome.kind === "conflict") {
    if (outcome.isUnbegun) return "unbegun";
    return isInserted ? "overtaken" : "conflict";
  }
  if (!isInserted) return "conflict";
  await removeReplaced(thread, checkpoint, replaced);
  return "saved";
}

/** A checkpoint that was the latest of its namespace. */
export interface ReplacedCheckpoint {
  readonly checkpointId: string;
  /** Its place in the order. */
  readonly seq: number;
  /** Whether it is removed, with the pending writes that belong to it. */
  readonly isRemoved: boolean;
}

/**
 * Removes the checkpoints that are not to stay, with their pending writes. If the process dies
 * before, they stay as history.
 */
async function removeReplaced(
  { store, epoch }: FencedThread,
  { thread_id, checkpoint_ns }: CheckpointToStore,
  replaced: readonly ReplacedCheckpoint[],
): Promise<void> {
  const ids = replaced.filter(({ isRemoved }) => isRemoved).map(({ checkpointId }) => checkpointId);
  if (ids.length === 0) return;
  await store.all.deleteMany({
    thread_id,
    kind: { $in: ["checkpoint", "writes"] satisfies DocumentKind[] },
    checkpoint_id: { $in: ids },
    checkpoint_ns,
    // The first life has no number. Of a later one, nothing goes.
    epoch: epoch === 0 ? null : epoch,
  });
}

/** Removes a checkpoint that another life of its thread has left, unless it is another one by now. */
export async function removeCheckpoint(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, epoch }: Pick<CheckpointDocument, "_id" | "epoch">,
): Promise<void> {
  await checkpoints.deleteOne({ _id, epoch: (epoch ?? null) as number });
}

/** Removes a checkpoint unless it was given another place or content meanwhile. */
export async function removeMisplaced(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, seq, hash }: Pick<CheckpointDocument, "_id" | "seq" | "hash">,
): Promise<void> {
  await checkpoints.deleteOne({ _id, seq, hash });
}

/** Fields that a checkpoint may lack. */
const OPTIONAL_FIELDS = [
  "parent_checkpoint_id",
  "parent_hash",
  "key_name",
  "metadata",
  "tokens",
  "metadata_encoded",
  "upserted_at",
  "run_id",
  "config",
] as const satisfies readonly (keyof CheckpointToStore)[];

/** What is saved along with a checkpoint that replaces another one. */
export interface ReplaceCheckpointOptions {
  /** The segments that it needs and that may not be stored yet. */
  readonly segments: readonly SegmentToStore[];
  /** The life that the other one was found in. */
  readonly formerEpoch: number;
  /** Where the thread stands from then on; undefined if the checkpoint does not say. */
  readonly stands: StoredStanding | undefined;
}

/**
 * Gives a checkpoint that is stored already another content, as a second `put` of the same id asks
 * for, or makes it one of this life of its thread. Its place in the order stays. It is a conflict if
 * it is not there any more: what an earlier life of the thread left is removed at any time.
 */
export async function replaceCheckpoint(
  thread: FencedThread,
  checkpoint: CheckpointToStore,
  { segments, formerEpoch, stands }: ReplaceCheckpointOptions,
): Promise<SaveOutcome> {
  const { _id, thread_id, kind, checkpoint_ns, checkpoint_id, seq, sets, ...content } = checkpoint;
  // In the same life, marks have been set on what is there.
  const isOfFormer = formerEpoch !== thread.epoch;
  const { $set, $max, $unset } = thread.claim();
  const absent = OPTIONAL_FIELDS.filter((field) => content[field] === undefined);
  const stored = await saveAhead(thread, segments);
  if (stored === undefined) return "conflict";
  const updates = [
    ...stored,
    {
      filter: { thread_id, kind, checkpoint_ns, seq, checkpoint_id },
      mustMatch: true,
      update: {
        $set: {
          ...content,
          ...(isOfFormer && sets && { sets }),
          ...$set,
          ...(stands && { stands }),
        },
        $max,
        $unset: {
          ...$unset,
          ...Object.fromEntries(absent.map((field) => [field, ""])),
          ...(isOfFormer && { next: "", ...(sets === undefined && { sets: "" }) }),
        },
      },
    },
  ];
  const outcome = await thread.write(updates);
  return outcome.kind === "done" ? "saved" : "conflict";
}
