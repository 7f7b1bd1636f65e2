import type { Document, Filter } from "mongodb";
import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, DocumentKind } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** What was removed. */
export interface Removed {
  readonly checkpoints: number;
  readonly writeSets: number;
  readonly bytes: number;
}

/** Checkpoints removed with one command. */
export const PRUNE_BATCH = 500;

/**
 * Removes checkpoints of a namespace, then their pending writes. A process that dies in between leaves writes
 * that belong to no checkpoint.
 */
export async function removeCheckpoints(
  { all }: Pick<Store, "all">,
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Promise<Removed> {
  const place = {
    thread_id: threadId,
    checkpoint_id: { $in: [...checkpointIds] },
    checkpoint_ns: checkpointNs,
    // The first life has no number.
    epoch: epoch === 0 ? null : epoch,
  };
  let bytes = 0;
  const remove = async (kind: DocumentKind): Promise<number> => {
    const filter = { ...place, kind };
    const size = await measure({ all }, filter);
    const { deletedCount } = await all.deleteMany(filter);
    if (deletedCount > 0) bytes += size;
    return deletedCount;
  };
  const checkpoints = await remove("checkpoint");
  const writeSets = await remove("writes");
  return { checkpoints, writeSets, bytes };
}

/** The children of checkpoints of a namespace. */
export function findChildren(
  { checkpoints }: Pick<Store, "checkpoints">,
  { threadId, checkpointNs }: NamespaceAddress,
  parentIds: readonly string[],
): Promise<CheckpointDocument[]> {
  return checkpoints
    .find({
      thread_id: threadId,
      kind: "checkpoint",
      checkpoint_ns: checkpointNs,
      parent_checkpoint_id: { $in: [...parentIds] },
    })
    .toArray();
}

/** Says that the parent of a checkpoint was pruned, unless it is another checkpoint by now. */
export async function markCut(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, hash }: Pick<CheckpointDocument, "_id" | "hash">,
  cut: Uint8Array,
): Promise<void> {
  await checkpoints.updateOne({ _id, hash }, { $set: { cut } });
}

/** The bytes of a thread's segments that a sweep will remove. */
export function measureCondemned({ all }: Pick<Store, "all">, threadId: string): Promise<number> {
  return measure(
    { all },
    { thread_id: threadId, kind: "segment", condemned_at: { $exists: true } },
  );
}

async function measure({ all }: Pick<Store, "all">, filter: Filter<Document>): Promise<number> {
  const [sum] = await all
    .aggregate<{ readonly bytes: number }>([
      { $match: filter },
      { $group: { _id: null, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
    ])
    .toArray();
  return sum?.bytes ?? 0;
}
