import type { Document, Filter } from "mongodb";
import type { CheckpointDocument, StoredStanding, ThreadDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";
import { MOVE_NAMES } from "./thread-entry.ts";
import { matchRecord, outlive } from "./thread-record.ts";

/** The order of a search over all threads, and where it goes on. */
export interface RecordOrder {
  readonly by: "updated_at" | "created_at";
  readonly isAscending: boolean;
  readonly after: { readonly at: Date; readonly threadId: string } | undefined;
}

/** Finds records of threads, by an index. */
export function searchRecords(
  { threads }: Pick<Store, "threads">,
  filter: Filter<ThreadDocument>,
  order: RecordOrder,
  limit: number,
): Promise<ThreadDocument[]> {
  const direction = order.isAscending ? 1 : -1;
  return (
    threads
      .find(order.after === undefined ? filter : { $and: [filter, matchAfter(order, order.after)] })
      // The indexes have the ids in the other direction.
      .sort({ [order.by]: direction, thread_id: order.isAscending ? -1 : 1 })
      .limit(limit)
      .toArray()
  );
}

/** What comes after a place in the order. */
function matchAfter(
  { by, isAscending }: RecordOrder,
  { at, threadId }: NonNullable<RecordOrder["after"]>,
): Filter<ThreadDocument> {
  const [beyond, next] = isAscending ? (["$gt", "$lt"] as const) : (["$lt", "$gt"] as const);
  return {
    [by]: { [isAscending ? "$gte" : "$lte"]: at },
    $or: [{ [by]: { [beyond]: at } }, { [by]: at, thread_id: { [next]: threadId } }],
  };
}

/** Threads that have not expired, or only those that have. */
export function matchExpired(isExpired: boolean, nowMs: number): Filter<ThreadDocument> {
  const expired = { expires_at: { $lte: outlive(new Date(nowMs)) } };
  // A record without the field does not expire. No server takes an index for what must not hold.
  return isExpired ? expired : { $nor: [expired] };
}

/** The records of threads whose standing may be out of date. */
export function findMoving({ threads }: Pick<Store, "threads">): Promise<ThreadDocument[]> {
  return threads
    .find({ kind: "thread", moving: { $in: MOVE_NAMES } } as Filter<ThreadDocument>)
    .toArray();
}

/** Says where a thread stands, unless its record has come to say something else. */
export async function settleStanding(
  { threads }: Pick<Store, "threads">,
  { thread_id, epoch, standing }: Pick<ThreadDocument, "thread_id" | "epoch" | "standing">,
  { seq, code }: StoredStanding,
  names: readonly string[],
): Promise<void> {
  await threads.updateOne(
    { ...matchRecord(thread_id), epoch, standing: (standing ?? null) as StoredStanding },
    {
      $set: { standing: { seq, code } },
      ...(names.length > 0 && { $pull: { moving: { $in: [...names] } } as Document }),
    },
  );
}

/** A root graph's latest checkpoint, unverified. */
export type RootHead = Pick<CheckpointDocument, "checkpoint_id" | "seq" | "epoch" | "metadata">;

/** Finds the latest checkpoint of a thread's root graph. */
export async function findRootHead(
  { checkpoints }: Pick<Store, "checkpoints">,
  { thread_id, epoch }: Pick<ThreadDocument, "thread_id" | "epoch">,
): Promise<RootHead | undefined> {
  const marked = await checkpoints
    .find({ thread_id, checkpoint_ns: "", head: true })
    .project<RootHead>({ checkpoint_id: 1, seq: 1, epoch: 1, "metadata.step": 1 })
    .toArray();
  // Of several that are marked, the highest counts.
  return marked
    .filter((head) => (head.epoch ?? 0) === epoch)
    .toSorted((a, b) => b.seq - a.seq)
    .at(0);
}
