import type { Document, Filter } from "mongodb";
import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, DocumentKind, PruneMark } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** What was removed. */
export interface Removed {
  readonly checkpoints: number;
  readonly bytes: number;
}

/** Checkpoints removed, or changed, with one command. */
export const PRUNE_BATCH = 500;

/**
 * Removes checkpoints of a namespace, then their pending writes. A process that dies in between leaves writes
 * that belong to no checkpoint.
 */
export async function removeCheckpoints(
  { all }: Pick<Store, "all">,
  namespace: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Promise<Removed> {
  let bytes = 0;
  const remove = async (...kinds: DocumentKind[]): Promise<number> => {
    const filter = { ...matchPlaces(namespace, epoch, checkpointIds), kind: { $in: kinds } };
    const size = await measure({ all }, filter);
    const { deletedCount } = await all.deleteMany(filter);
    if (deletedCount > 0) bytes += size;
    return deletedCount;
  };
  const checkpoints = await remove("checkpoint", "discarded");
  await remove("writes");
  return { checkpoints, bytes };
}

/** Removes what {@link removeCheckpoints} removes with one command, which counts nothing. */
export async function removeUncounted(
  { all }: Pick<Store, "all">,
  namespace: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Promise<void> {
  const place = matchPlaces(namespace, epoch, checkpointIds);
  const kinds: readonly DocumentKind[] = ["checkpoint", "writes"];
  const operations = kinds.map((kind) => ({ deleteMany: { filter: { ...place, kind } } }));
  await all.bulkWrite(operations, { ordered: true });
}

function matchPlaces(
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Filter<Document> {
  return {
    thread_id: threadId,
    checkpoint_id: { $in: [...checkpointIds] },
    checkpoint_ns: checkpointNs,
    // The first life has no number.
    epoch: epoch === 0 ? null : epoch,
  };
}

/** What to say at a checkpoint that stays, unless it is another one by now. */
export type SurvivorMark = Pick<CheckpointDocument, "_id" | "thread_id" | "hash"> &
  ({ readonly cut: Uint8Array } | { readonly pruned: PruneMark });

/** Marks checkpoints that stay. */
export async function markSurvivors(
  { checkpoints }: Pick<Store, "checkpoints">,
  marks: readonly SurvivorMark[],
): Promise<void> {
  for (let start = 0; start < marks.length; start += PRUNE_BATCH) {
    const operations = marks
      .slice(start, start + PRUNE_BATCH)
      .map(({ _id, thread_id, hash, ...mark }) => ({
        updateOne: { filter: { _id, thread_id, hash }, update: { $set: mark } },
      }));
    await checkpoints.bulkWrite(operations, { ordered: false });
  }
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
