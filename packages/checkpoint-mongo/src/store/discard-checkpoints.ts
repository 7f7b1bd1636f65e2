import type { CheckpointDocument, DiscardedDocument, StoredLabel } from "../documents/documents.ts";
import type { CheckpointAddress } from "../address/address.ts";
import { hashAddress } from "../integrity/hashes.ts";
import type { Collection } from "mongodb";
import { deleteAll, updateAll } from "../driver/change-many.ts";
import type { Store } from "./store.ts";

/** Documents changed with one command. */
const BATCH_SIZE = 1_000;

/** What rollbacks have discarded of a thread. */
function openDiscarded({ all }: Pick<Store, "all">): Collection<DiscardedDocument> {
  return all as unknown as Collection<DiscardedDocument>;
}

/**
 * Discards checkpoints: no read and no put finds them any more. Their place in the order becomes free, and their
 * pending writes stay.
 *
 * @param own of one life of one thread
 * @param isWanted is asked before each command
 * @returns how many. A repeated command may have done it before, so its own count would not do
 */
export async function discardCheckpoints(
  { checkpoints }: Pick<Store, "checkpoints">,
  rollback: string,
  own: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  isWanted: () => Promise<boolean>,
): Promise<number> {
  let count = 0;
  for (let start = 0; start < own.length; start += BATCH_SIZE) {
    if (!(await isWanted())) return count;
    const batch = own.slice(start, start + BATCH_SIZE);
    const ids = batch.map(({ _id }) => _id);
    await checkpoints.updateMany(
      { _id: { $in: ids }, thread_id: batch[0]!.thread_id, kind: "checkpoint" },
      {
        $set: { kind: "discarded", rollback },
        $rename: { head: "was_head", labels: "was_labelled" },
        $unset: { stands: "", labelled: "" },
      } as object,
    );
    count += batch.length;
  }
  return count;
}

/** Brings back what a rollback has discarded to where it was, without its labels. */
export async function bringBack(
  store: Pick<Store, "all">,
  threadId: string,
  rollback: string,
): Promise<void> {
  await updateAll(
    openDiscarded(store),
    { thread_id: threadId, kind: "discarded", rollback },
    BRING_BACK as object,
  );
}

/** Brings back a checkpoint that is put again, without its labels, whichever rollback has discarded it. */
export async function bringBackOne(
  store: Pick<Store, "all">,
  address: CheckpointAddress,
): Promise<void> {
  const id = { _id: hashAddress(address), kind: "discarded" } as const;
  await openDiscarded(store).updateOne(id, BRING_BACK as object);
}

const BRING_BACK = {
  $set: { kind: "checkpoint" },
  $rename: { was_head: "head" },
  $unset: { rollback: "" },
} as const;

/** Checkpoints that were brought back and whose labels were not yet. */
export async function findUnlabelled(
  { checkpoints }: Pick<Store, "checkpoints">,
  threadId: string,
): Promise<readonly (CheckpointDocument & { readonly was_labelled: readonly StoredLabel[] })[]> {
  return checkpoints
    .find({ thread_id: threadId, kind: "checkpoint", was_labelled: { $exists: true } } as object)
    .toArray() as Promise<(CheckpointDocument & { was_labelled: readonly StoredLabel[] })[]>;
}

/** Says that the labels of a checkpoint are back. */
export async function endUnlabelled(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, thread_id }: Pick<CheckpointDocument, "_id" | "thread_id">,
): Promise<void> {
  await checkpoints.updateOne({ _id, thread_id }, { $unset: { was_labelled: "" } } as object);
}

/**
 * Removes what was discarded by rollbacks that cannot be undone any more.
 *
 * @param kept the names of those that can
 */
export async function removeDiscarded(
  store: Pick<Store, "all" | "writes">,
  threadId: string,
  kept: readonly string[],
): Promise<void> {
  const gone = { thread_id: threadId, kind: "discarded" as const, rollback: { $nin: [...kept] } };
  for (;;) {
    const batch = await openDiscarded(store)
      .find(gone)
      .project<Pick<DiscardedDocument, "_id">>({ _id: 1 })
      .limit(BATCH_SIZE)
      .toArray();
    if (batch.length === 0) return;
    const ids = batch.map(({ _id }) => _id);
    // The writes go first: they are found by what they belong to.
    await deleteAll(store.writes, { checkpoint: { $in: ids }, thread_id: threadId });
    await openDiscarded(store).deleteMany({ ...gone, _id: { $in: ids } });
  }
}
