import type { Document, Filter } from "mongodb";
import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, DocumentKind, PruneMark } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** Checkpoints removed, or changed, with one command: others that write to the thread wait for it. */
export const PRUNE_BATCH = 100;

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
  const places = checkpointIds.map((id) => matchPlace(namespace, epoch, id));
  const { deletedCount } = await all.bulkWrite(
    places.map((place) => ({ deleteOne: { filter: { ...place, kind } } })),
    { ordered: true },
  );
  await all.bulkWrite(
    places.map((place) => ({ deleteMany: { filter: { ...place, kind: "writes" } } })),
    { ordered: true },
  );
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
  const operations = kinds.flatMap((kind) =>
    checkpointIds.map((id) => ({
      deleteMany: { filter: { ...matchPlace(namespace, epoch, id), kind } },
    })),
  );
  await all.bulkWrite(operations, { ordered: true });
}

/** Each is named by itself: of several ids, not every server finds each by the index. */
function matchPlace(
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  checkpointId: string,
): Filter<Document> {
  return {
    thread_id: threadId,
    checkpoint_id: checkpointId,
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
