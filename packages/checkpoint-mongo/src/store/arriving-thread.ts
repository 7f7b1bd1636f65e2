import type { AnyBulkWriteOperation, Document, Filter, ObjectId } from "mongodb";
import type { DocumentKind, ThreadArriving, ThreadDocument } from "../documents/documents.ts";
import type { StoredBytes } from "../driver/binary.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import { ThreadDeletedError } from "../errors/thread-deleted-error.ts";
import { assertRecord } from "./assert-record.ts";
import { removeLeft } from "./away-thread.ts";
import { abandonCopy } from "./copy-life.ts";
import { sealMetadata } from "./seal-metadata.ts";
import type { ConflictDeadline } from "./conflict-rounds.ts";
import { endLife } from "./end-life.ts";
import { ENTRY_FIELDS } from "./thread-entry.ts";
import type { Store } from "./store.ts";
import {
  findRecord,
  isOver,
  matchRecord,
  matchThread,
  outlive,
  readState,
  toLife,
} from "./thread-record.ts";

// How a whole thread comes in from an archive. Its documents are stored as those of a later life than its record
// is in, so nobody sees them. One update of the record then begins that life: before it there is no thread, after
// it a whole one. Whoever writes to the thread meanwhile begins another life, and what was stored is removed.

/** For so long others wait for an attempt that has not told that it goes on. */
const ARRIVAL_LEASE_MS = 10_000;

/** A thread that comes in, as one attempt knows it. */
export interface Arrival {
  readonly threadId: string;
  /** The life that the record is in until the thread is there. */
  readonly epoch: number;
  /** The life of the documents that are stored. */
  readonly life: number;
  readonly token: string;
}

/** What the record of a thread holds once it is there. */
export type ArrivedRecord = Partial<
  Pick<
    ThreadDocument,
    "created_at" | "metadata" | "fields" | "retention" | "rollbacks" | "newest" | "stands" | "head"
  >
>;

/** Why a thread cannot come in: something is there. */
export type Occupied = "occupied";

/**
 * Gets ready for a thread of which nothing is here.
 *
 * @throws ThreadDeletedError if it was deleted, and takes no writes yet
 * @throws WriteConflictError if others keep changing it
 */
export async function clearForArrival(
  store: Store,
  threadId: string,
  deadline: ConflictDeadline,
): Promise<ThreadDocument | Occupied> {
  for (;;) {
    const record = await findRecord(store, threadId);
    if (record === undefined) {
      const created = await createEnded(store, threadId);
      if (created === undefined) continue;
      return created;
    }
    assertRecord(record, threadId);
    if (record.deleted_at !== undefined) {
      if ((record.refused_until?.getTime() ?? 0) > store.estimateTime()) {
        throw new ThreadDeletedError(threadId);
      }
      if (record.copying === undefined) return record;
      // As a writer does: whoever comes later goes first.
      await abandonCopy(store, record);
      continue;
    }
    const isExpired = isOver(record, store.estimateTime()) && isOver(record, await store.askTime());
    if (!isExpired) return "occupied";
    await endLife(store, threadId, matchThread(readState(record)), deadline);
  }
}

/**
 * Makes the record of a thread as a deleted one has it.
 *
 * @returns undefined if another process has made one
 */
async function createEnded(store: Store, threadId: string): Promise<ThreadDocument | undefined> {
  try {
    const record = await store.threads.findOneAndUpdate(
      matchRecord(threadId),
      {
        $setOnInsert: {
          _id: threadId,
          ...toLife(threadId, 1),
          deleted_at: new Date(store.estimateTime()),
        },
      },
      { upsert: true, returnDocument: "after" },
    );
    return record?.deleted_at === undefined ? undefined : record;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

/**
 * Begins an attempt to bring a thread in. It overtakes an earlier one.
 *
 * @param record as the thread is now
 * @returns undefined if it has changed meanwhile
 */
export async function beginArrival(
  store: Store,
  record: ThreadDocument,
  token: string,
): Promise<Arrival | undefined> {
  const { thread_id: threadId, epoch, arriving } = record;
  const life = Math.max(epoch, arriving?.life ?? 0) + 1;
  const before = arriving === undefined ? { $exists: false } : arriving.token;
  const path = arriving === undefined ? "arriving" : "arriving.token";
  const changed = await store.threads.findOneAndUpdate(
    { ...matchAbsent(record), [path]: before },
    {
      $set: { arriving: { life, token, until: chooseUntil(store) } },
      // Until everything is there, it must not be removed.
      $unset: { expires_at: "" },
    },
    { returnDocument: "after" },
  );
  // The command may have been repeated, and finds nothing then.
  const current = changed ?? (await findRecord(store, threadId));
  if (current?.arriving?.token !== token) return undefined;
  const arrival = { threadId, epoch, life, token };
  // Of a thread that is away, readers find the record by what is left of it here.
  if (record.away === undefined) await removeBefore(store, threadId, life);
  else await removeLeft(store, { thread_id: threadId, epoch: life });
  return arrival;
}

/** Removes what is left of earlier lives of a thread of which nothing can be seen. */
async function removeBefore({ all }: Store, threadId: string, life: number): Promise<void> {
  const earlier = { thread_id: threadId, epoch: { $not: { $gte: life } } };
  await all.deleteMany({ ...earlier, kind: { $ne: "thread" satisfies DocumentKind } });
}

/** Says that an attempt goes on. */
export async function renewArrival(store: Store, { threadId, token }: Arrival): Promise<void> {
  await store.threads.updateOne(
    { ...matchRecord(threadId), "arriving.token": token },
    { $set: { "arriving.until": chooseUntil(store) } },
  );
}

/** Whether no other attempt has overtaken this one, and nothing was written to the thread. */
export async function isUndisturbed(store: Store, { threadId, token }: Arrival): Promise<boolean> {
  return (await findRecord(store, threadId))?.arriving?.token === token;
}

/** Whether an attempt is under way that nobody should disturb. */
export function isArriving(
  { arriving }: { readonly arriving?: ThreadArriving },
  nowMs: number,
): boolean {
  return arriving !== undefined && arriving.until.getTime() > nowMs;
}

/**
 * Stores documents of a thread that comes in. They may be there already, from this attempt or an earlier one.
 *
 * @returns whether a later attempt has overtaken this one
 */
export async function storeArriving(
  { all, encryption }: Pick<Store, "all" | "encryption">,
  { threadId, life }: Pick<Arrival, "threadId" | "life">,
  documents: readonly { readonly _id: StoredBytes }[],
): Promise<"stored" | "overtaken"> {
  if (documents.length === 0) return "stored";
  const sealed = (await encryption?.sealDocuments(threadId, life, documents)) ?? documents;
  const operations = sealed.map(({ _id, ...content }: Document): AnyBulkWriteOperation => ({
    replaceOne: {
      filter: { _id: _id as ObjectId, thread_id: threadId, epoch: { $not: { $gt: life } } },
      replacement: content,
      upsert: true,
    },
  }));
  try {
    await all.bulkWrite(operations, { ordered: false });
    return "stored";
  } catch (error) {
    if (isConflict(error)) return "overtaken";
    throw error;
  }
}

/**
 * Makes a thread that comes in visible, as a whole. This is the commit point.
 *
 * @param expiresAt what its documents say
 * @returns whether it is there; if not, something was written to the thread, or another attempt overtook this one
 */
export async function commitArrival(
  store: Store,
  arrival: Arrival,
  record: ThreadDocument,
  expiresAt: Date | undefined,
  entry: ArrivedRecord,
): Promise<boolean> {
  const { threadId, life, token } = arrival;
  const metadata = await sealMetadata(store, { threadId, epoch: life }, entry.metadata);
  const { away: _away, arriving: _arriving, leaving: _leaving, ...entryFields } = ENTRY_FIELDS;
  const cleared = Object.keys(entryFields).filter((field) => !(field in entry));
  const changed = await store.threads.findOneAndUpdate(
    { ...matchAbsent(record), "arriving.token": token },
    {
      $set: {
        ...toLife(threadId, life),
        ...entry,
        ...(entry.metadata !== undefined && { metadata: metadata as string }),
        ...(expiresAt !== undefined && { expires_at: outlive(expiresAt) }),
      },
      $unset: {
        arriving: "",
        away: "",
        deleted_at: "",
        refused_until: "",
        former_expiries: "",
        ...(entry.newest === undefined && { newest: "" }),
        ...Object.fromEntries(cleared.map((field) => [field, ""])),
      },
    },
    { returnDocument: "after" },
  );
  // The command may have been repeated, and finds nothing then.
  const now = changed ?? (await findRecord(store, threadId));
  return now?.epoch === life && now.deleted_at === undefined;
}

/** Takes back an attempt that failed, with what it has stored. */
export async function abandonArrival(
  store: Store,
  { threadId, epoch, life, token }: Arrival,
): Promise<void> {
  const record = await findRecord(store, threadId);
  if (record?.arriving?.token !== token) {
    // It may be there after all. Otherwise the thread is in a later life, or another attempt has begun.
    if (record?.epoch !== life) {
      await store.all.deleteMany({ thread_id: threadId, kind: { $ne: "thread" }, epoch: life });
    }
    return;
  }
  const isAway = record.away !== undefined;
  if (isAway) await removeLeft(store, { thread_id: threadId, epoch: life + 1 });
  else await store.all.deleteMany({ thread_id: threadId, kind: { $ne: "thread" }, epoch: life });
  await store.threads.updateOne(
    { ...matchRecord(threadId), epoch, "arriving.token": token },
    {
      $unset: { arriving: "" },
      ...(!isAway && { $set: { expires_at: outlive(new Date(store.estimateTime())) } }),
    },
  );
}

/** Finds the record while the thread is not here in the same way. */
function matchAbsent({ thread_id, epoch, away }: ThreadDocument): Filter<ThreadDocument> {
  return {
    ...matchRecord(thread_id),
    epoch,
    ...(away === undefined ? { deleted_at: { $exists: true } } : { "away.key": away.key }),
  };
}

function chooseUntil(store: Pick<Store, "estimateTime">): Date {
  return new Date(store.estimateTime() + ARRIVAL_LEASE_MS);
}
