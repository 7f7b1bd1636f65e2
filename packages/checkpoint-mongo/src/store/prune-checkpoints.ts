import type { Document, Filter } from "mongodb";
import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, DocumentKind, PruneMark } from "../documents/documents.ts";
import { oneOf } from "./one-of.ts";
import { paceBatches } from "./paced-batches.ts";
import { announceRemoval, type Removal } from "./removals.ts";
import type { Store } from "./store.ts";

/**
 * Removes checkpoints of a namespace, then their pending writes. A process that dies in between leaves writes
 * that belong to no checkpoint.
 *
 * @returns how many checkpoints were there
 */
export async function removeCheckpoints(
  { all }: Pick<Store, "all">,
  namespace: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
  kind: "checkpoint" | "discarded" = "checkpoint",
): Promise<number> {
  const places = matchPlaces(namespace, epoch, checkpointIds);
  const { deletedCount } = await all.deleteMany({ ...places, kind });
  await all.deleteMany({ ...places, kind: "writes" });
  return deletedCount;
}

/** Removes what {@link removeCheckpoints} removes with one command, which counts nothing. */
export async function removeUncounted(
  { all }: Pick<Store, "all">,
  namespace: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Promise<void> {
  const kinds: readonly DocumentKind[] = ["checkpoint", "writes"];
  const places = matchPlaces(namespace, epoch, checkpointIds);
  await all.bulkWrite(
    kinds.map((kind) => ({ deleteMany: { filter: { ...places, kind } } })),
    { ordered: true },
  );
}

/**
 * All at once: a server that flushes after each delete of a command would take as long for each as for all. The index
 * that this goes by has the later ids first, so if the server stops in the middle, no child is left without its parent.
 */
function matchPlaces(
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  checkpointIds: readonly string[],
): Filter<Document> {
  return {
    thread_id: threadId,
    checkpoint_id: oneOf(checkpointIds),
    checkpoint_ns: checkpointNs,
    // The first life has no number.
    epoch: epoch === 0 ? null : epoch,
  };
}

/** What to say at a checkpoint that stays, unless it is another one by now. */
export type SurvivorMark = Pick<CheckpointDocument, "_id" | "thread_id" | "hash"> &
  ({ readonly cut: Uint8Array } | { readonly pruned: PruneMark });

/**
 * Marks checkpoints that stay.
 *
 * @param removal is announced with the marks, before any place becomes free
 */
export async function markSurvivors(
  { all }: Pick<Store, "all">,
  marks: readonly SurvivorMark[],
  removal?: Removal,
): Promise<void> {
  const operations = [
    ...(removal === undefined ? [] : [{ updateOne: announceRemoval(removal) }]),
    ...marks.map(({ _id, thread_id, hash, ...mark }) => ({
      updateOne: { filter: { _id, thread_id, hash }, update: { $set: mark } },
    })),
  ];
  for await (const batch of paceBatches(operations)) {
    await all.bulkWrite([...batch], { ordered: false });
  }
}

/** The bytes of a thread's segments that a sweep will remove. */
export async function measureCondemned(
  { all }: Pick<Store, "all">,
  threadId: string,
): Promise<number> {
  const [sum] = await all
    .aggregate<{ readonly bytes: number }>([
      { $match: { thread_id: threadId, kind: "segment" } },
      { $match: { condemned_at: { $exists: true } } },
      { $group: { _id: null, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
    ])
    .toArray();
  return sum?.bytes ?? 0;
}

/** The bytes of checkpoints of a thread with their pending writes, by {@link formatPlace}. */
export async function measureCheckpoints(
  { all }: Pick<Store, "all">,
  threadId: string,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const kind of ["checkpoint", "writes"] satisfies DocumentKind[]) {
    const found = all.aggregate<{
      readonly _id: { readonly ns: string; readonly id: string };
      readonly bytes: number;
    }>([
      { $match: { thread_id: threadId, kind } },
      {
        $group: {
          _id: { ns: "$checkpoint_ns", id: "$checkpoint_id" },
          bytes: { $sum: { $bsonSize: "$$ROOT" } },
        },
      },
    ]);
    for await (const { _id: place, bytes } of found) {
      const key = formatPlace(place.ns, place.id);
      sizes.set(key, (sizes.get(key) ?? 0) + bytes);
    }
  }
  return sizes;
}

/** Names a checkpoint of a thread. */
export function formatPlace(checkpointNs: string, checkpointId: string): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}
