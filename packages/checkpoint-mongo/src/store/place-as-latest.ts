import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, PruneMark, StoredStanding } from "../documents/documents.ts";
import type { ChainUpdate } from "./chain.ts";
import type { FencedThread } from "./fenced-thread.ts";
import type { PlacedCheckpoint } from "./find-checkpoint.ts";
import type { CheckpointToStore } from "./save-checkpoint.ts";

// The updates that give a checkpoint the next place in the order of its namespace. Each of them ends its chain
// if another writer has taken the place: the unique index of the order refuses it.
//
// Whether a checkpoint was moved is known by how many documents a command has found. So each update that needs a
// document says that it must be there.

/** Inserts a checkpoint in the place that its document names, as the latest. */
export function insertAsLatest(
  thread: FencedThread,
  checkpoint: CheckpointToStore,
  stands: StoredStanding | undefined,
): ChainUpdate {
  const { thread_id, kind, checkpoint_ns, checkpoint_id, seq, ...content } = checkpoint;
  return {
    filter: { thread_id, kind, checkpoint_ns, seq, checkpoint_id },
    update: {
      $setOnInsert: { ...content, ...thread.claim().$set, head: true, ...(stands && { stands }) },
    },
    upsert: true,
  };
}

/** Inserts a checkpoint in the place that its document names, before others that are to come. */
export function insertEarlier(
  thread: FencedThread,
  checkpoint: CheckpointToStore,
  next: number,
): ChainUpdate {
  const { thread_id, kind, checkpoint_ns, checkpoint_id, seq, ...content } = checkpoint;
  return {
    filter: { thread_id, kind, checkpoint_ns, seq, checkpoint_id },
    update: { $setOnInsert: { ...content, ...thread.claim().$set, next } },
    upsert: true,
  };
}

/** What a checkpoint gets with its new place. */
export interface NewPlace {
  readonly seq: number;
  /** Its hash covers the place. */
  readonly hash: Uint8Array;
  /** See `cut` of its document: it covers the hash. */
  readonly cut: Uint8Array | undefined;
  /** See `pruned` of its document: it covers the place. */
  readonly pruned: PruneMark | undefined;
  readonly stands: StoredStanding | undefined;
}

/**
 * Gives a checkpoint that is stored the next place, and marks it as the latest. The mark is to be taken off the former
 * one only after that: two are marked in between, and the higher counts. If this one is not there any more, as
 * it was read, nothing happens, and it is a conflict.
 */
export function moveAsLatest(
  thread: FencedThread,
  document: CheckpointDocument,
  { seq, hash, cut, pruned, stands }: NewPlace,
): ChainUpdate {
  const { thread_id, kind, checkpoint_ns, checkpoint_id, seq: former, hash: formerHash } = document;
  const { $set, $unset } = thread.claim();
  return {
    filter: { thread_id, kind, checkpoint_ns, seq: former, checkpoint_id, hash: formerHash },
    update: {
      $set: {
        ...$set,
        seq,
        hash,
        head: true,
        ...(cut && { cut }),
        ...(pruned && { pruned }),
        ...(stands && { stands }),
      },
      $addToSet: { moved_from: former },
      $unset: { ...$unset, next: "" },
    },
    mustMatch: true,
  };
}

/** Takes the mark of the latest off a checkpoint. */
export function takeMarkOff(
  { threadId, checkpointNs }: NamespaceAddress,
  { checkpointId, seq }: PlacedCheckpoint,
  next: number,
): ChainUpdate {
  return {
    filter: {
      thread_id: threadId,
      kind: "checkpoint",
      checkpoint_ns: checkpointNs,
      seq,
      checkpoint_id: checkpointId,
    },
    update: { $unset: { head: "", stands: "" }, $set: { next } },
    mustMatch: true,
  };
}
