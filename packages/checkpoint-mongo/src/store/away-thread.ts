import type { Filter } from "mongodb";
import type {
  CheckpointDocument,
  StoredStanding,
  ThreadAway,
  ThreadDocument,
} from "../documents/documents.ts";
import { ThreadArchivedError } from "../errors/thread-archived-error.ts";
import { resealMetadata } from "./seal-metadata.ts";
import { readOptionalDate, readText, readWhole, refuse } from "./document-fields.ts";
import type { Store } from "./store.ts";
import {
  findRecord,
  isExtending,
  matchHolder,
  matchRecord,
  matchThread,
  readState,
  toLife,
} from "./thread-record.ts";

// How a thread goes to the archive store. Its record is the only judge of where it is.
//
// 1. `leaving` and `extending` are set. Readers see no change. Whoever writes to the thread finishes `extending`
//    first, as any other change of the expiry that was begun, and takes `leaving` off with it.
// 2. The thread is copied.
// 3. If `leaving` is still there, nothing was written since. The record then begins the next life, in which the
//    thread is `away`. What is stored of the life before belongs to nobody, and is removed.
//
// Whoever changes something without the thread's fence, as a label, takes `leaving` off after it. If the thread has
// gone by then, it is brought back, and the change is made once more.

/**
 * Checks that a thread is not in the archive store.
 *
 * @throws ThreadArchivedError if it is
 */
export function assertHere({ thread_id: threadId, away }: ThreadDocument): void {
  if (away !== undefined) throw new ThreadArchivedError(threadId);
}

/**
 * Looks whether a thread is in the archive store.
 *
 * @throws ThreadArchivedError if it is
 */
export async function requireHere(store: Pick<Store, "threads">, threadId: string): Promise<void> {
  const record = await findRecord(store, threadId);
  if (record !== undefined) assertHere(record);
}

/**
 * Checks that no copy of a thread is in the archive store.
 *
 * @throws ThreadArchivedError if there may be one
 */
export function assertNoCopies({ thread_id: threadId, copies = [] }: ThreadDocument): void {
  if (copies.length > 0) throw new ThreadArchivedError(threadId);
}

/**
 * Marks that a thread is being copied, unless it is not as it was read.
 *
 * @param key of the copy
 * @returns whether it is marked
 */
export async function beginLeaving(
  store: Store,
  record: ThreadDocument,
  key: string,
): Promise<boolean> {
  const state = readState(record);
  const { threadId } = state;
  await store.threads.updateOne(
    { ...matchThread(state), ...matchHolder(null), extending: null, away: { $exists: false } },
    {
      $set: { extending: state.expiresAt ?? true, leaving: key },
      $addToSet: { copies: key },
    },
  );
  return (await findRecord(store, threadId))?.leaving === key;
}

/** Whether a thread is still marked with a copy. */
export async function isLeaving(store: Store, threadId: string, key: string): Promise<boolean> {
  return (await findRecord(store, threadId))?.leaving === key;
}

/** Whether what {@link beginLeaving} has marked is to be taken back: the thread is in the same life, and stays. */
export async function isToStay(
  store: Store,
  { thread_id: threadId, epoch }: ThreadDocument,
): Promise<boolean> {
  const record = await findRecord(store, threadId);
  return record?.epoch === epoch && record.deleted_at === undefined && isExtending(record);
}

/**
 * Says that something of a thread was changed without its fence. A copy that is just made of it does not count then.
 *
 * @param epoch the life in which it was changed
 * @returns false if the thread is in another life: it may have come back without the change
 * @throws ThreadArchivedError if it has gone to the archive store, maybe without the change
 */
export async function disownCopy(
  { threads }: Pick<Store, "threads">,
  threadId: string,
  epoch: number,
): Promise<boolean> {
  const record = await threads.findOneAndUpdate(
    matchRecord(threadId),
    { $unset: { leaving: "" } },
    { returnDocument: "after" },
  );
  if (record !== null) assertHere(record);
  return record === null || record.epoch === epoch;
}

/**
 * Keeps the checkpoint from expiring that is to stay here. The record of a thread that is away does not expire
 * either. If the thread stays after all, whoever finishes `extending` puts that right.
 */
export async function keepStub(store: Store, threadId: string): Promise<void> {
  const last = await findLast(store, { thread_id: threadId, kind: "checkpoint" });
  if (last === null) return;
  const filter = { _id: last._id, thread_id: threadId };
  await store.checkpoints.updateOne(filter, { $unset: { expires_at: "" } });
}

/** The last checkpoint of the root graph; if there is none, of another namespace. */
async function findLast(
  { checkpoints }: Store,
  filter: Filter<CheckpointDocument>,
): Promise<Pick<CheckpointDocument, "_id" | "head"> | null> {
  const projection = { _id: 1, head: 1 } as const;
  return (
    (await checkpoints.findOne(
      { ...filter, checkpoint_ns: "" },
      { projection, sort: { seq: -1 } },
    )) ?? checkpoints.findOne(filter, { projection, sort: { checkpoint_ns: 1, seq: -1 } })
  );
}

/**
 * Makes a thread one that is in the archive store, unless something was written to it since it was marked. This
 * is the commit point of archiving.
 *
 * @returns whether it is away
 */
export async function sendAway(
  store: Store,
  record: ThreadDocument,
  away: ThreadAway,
  stands: StoredStanding,
): Promise<boolean> {
  const state = readState(record);
  const { threadId, epoch } = state;
  const metadata = await resealMetadata(store, record, epoch + 1);
  await store.threads.updateOne(
    {
      ...matchThread(state),
      ...(metadata && { metadata: metadata.former as string }),
      // Whoever has got a lease meanwhile is about to write.
      ...matchHolder(null),
      leaving: away.key,
      extending: { $ne: null },
    },
    {
      // It stays in the index of threads.
      $set: {
        ...toLife(threadId, epoch + 1),
        ...(metadata && { metadata: metadata.next as string }),
        away,
        head: true,
        stands,
      },
      $unset: {
        leaving: "",
        extending: "",
        expires_at: "",
        former_expiries: "",
        moving: "",
        newest: "",
      },
    },
  );
  return (await findRecord(store, threadId))?.away?.key === away.key;
}

/**
 * Removes what is left here of a thread that is away, but for one checkpoint. A reader who finds that one finds
 * the record too, and so hears that the thread is away. Nobody else has to look for that.
 */
export async function removeLeft(
  store: Store,
  { thread_id: threadId, epoch }: Pick<ThreadDocument, "thread_id" | "epoch">,
): Promise<void> {
  const { all, checkpoints } = store;
  // What is of a later life is just coming back.
  const earlier = { thread_id: threadId, epoch: { $not: { $gte: epoch } } };
  const ofThread = { ...earlier, kind: "checkpoint" } as const;
  const last = await findLast(store, ofThread);
  if (last === null) return;
  if (last.head === true) {
    const update = { $unset: { head: "", stands: "" } } as const;
    await checkpoints.updateOne({ ...ofThread, _id: last._id }, update);
  }
  await checkpoints.deleteMany({ ...ofThread, _id: { $ne: last._id } });
  await all.deleteMany({ ...earlier, kind: { $nin: ["thread", "checkpoint"] } });
}

/** Takes the names of copies off that are no longer in the archive store. */
export async function forgetCopies(
  { threads }: Pick<Store, "threads">,
  threadId: string,
  keys: readonly string[],
): Promise<void> {
  await threads.updateOne(matchRecord(threadId), {
    $pull: { copies: { $in: [...keys] } },
  });
  await threads.updateOne(
    { ...matchRecord(threadId), copies: { $size: 0 } },
    { $unset: { copies: "" } },
  );
}

/**
 * Checks what a record says of the archive store.
 *
 * @throws FieldFault if a field is not as this package writes it
 */
export function assertAway(document: ThreadDocument): void {
  if (document.leaving !== undefined) readText("leaving", document.leaving);
  const copies: unknown = document.copies;
  if (
    copies !== undefined &&
    !(Array.isArray(copies) && copies.every((key) => typeof key === "string"))
  ) {
    refuse("copies", "a list", copies);
  }
  const away = readObject("away", document.away);
  if (away !== undefined) {
    readText("away.key", away["key"]);
    if (readOptionalDate("away.at", away["at"]) === undefined)
      refuse("away.at", "a date", undefined);
    readWhole("away.checkpoints", away["checkpoints"], 0);
    readWhole("away.bytes", away["bytes"], 0);
  }
  const arriving = readObject("arriving", document.arriving);
  if (arriving !== undefined) {
    readWhole("arriving.life", arriving["life"], 1);
    readText("arriving.token", arriving["token"]);
    if (readOptionalDate("arriving.until", arriving["until"]) === undefined) {
      refuse("arriving.until", "a date", undefined);
    }
  }
}

function readObject(field: string, value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined;
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : refuse(field, "an object", value);
}
