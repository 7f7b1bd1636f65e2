import type { Document, Filter } from "mongodb";
import type { ThreadDocument } from "../documents/documents.ts";
import { bytesToHex } from "../driver/binary.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import { ThreadDeletedError } from "../errors/thread-deleted-error.ts";
import { assertRecord } from "./assert-record.ts";
import { finishDeletion, removeEarlierLives } from "./end-life.ts";
import { findByIds } from "./find-by-ids.ts";
import { resealMetadata, sealMetadata } from "./seal-metadata.ts";
import type { Store } from "./store.ts";
import { hasCheckpoint } from "./scan-thread.ts";
import { findRecord, isAlive, matchRecord, outlive, readState, toLife } from "./thread-record.ts";

// A copy is made in a life of its thread that has not begun: the record says that the thread is deleted, and that
// this life is being copied. So no read sees any of it until one update of the record begins the life. If the
// process dies before, the next writer, copy or sweep ends that life, as after a deletion.

/** The life in which a copy is made. */
export interface CopyLife {
  readonly threadId: string;
  readonly epoch: number;
}

/**
 * Begins to copy to a thread that has no checkpoints.
 *
 * @returns undefined if the thread has changed meanwhile
 * @throws CorruptCheckpointError if its record is damaged
 * @throws ThreadDeletedError if it was deleted, and takes no writes yet
 */
export async function beginCopy(store: Store, threadId: string): Promise<CopyLife | undefined> {
  const record = await findRecord(store, threadId);
  const now = new Date(store.estimateTime());
  if (record === undefined) {
    const first = { kind: "thread", thread_id: threadId, ...toLife(threadId, 1) } as const;
    try {
      await store.threads.insertOne({ _id: threadId, ...first, deleted_at: now, copying: now });
    } catch (error) {
      if (!isConflict(error)) throw error;
      return undefined;
    }
    return { threadId, epoch: 1 };
  }
  assertRecord(record, threadId);
  if ((record.refused_until?.getTime() ?? 0) > now.getTime()) {
    throw new ThreadDeletedError(threadId);
  }
  const held = toHold(record, now.getTime());
  if (!(await holdEmpty(store, record, held))) return undefined;
  // What arrives from an archive is of a life that the thread has not had.
  const epoch = Math.max(record.epoch, record.arriving?.life ?? 0) + 1;
  const metadata = await resealMetadata(store, record, epoch);
  const { matchedCount } = await store.threads.updateOne(
    {
      ...matchRecord(threadId),
      epoch: record.epoch,
      ...(held !== null && { extending: held }),
      ...(metadata && { metadata: metadata.former as string }),
    },
    {
      $set: {
        ...toLife(threadId, epoch),
        ...(metadata && { metadata: metadata.next as string }),
        deleted_at: now,
        copying: now,
      },
      $unset: { expires_at: "", extending: "", head: "", stands: "", moving: "", arriving: "" },
    },
  );
  if (matchedCount === 0) return undefined;
  const life = { threadId, epoch };
  // What earlier lives have left may lie where the copy goes.
  await removeEarlierLives(store, life);
  return life;
}

/**
 * Keeps puts to a thread from being acknowledged until somebody opens it anew, and then looks whether there was one
 * before: the end of its life would take that along.
 *
 * @returns false if there was one, or the thread has changed meanwhile
 */
async function holdEmpty(
  store: Store,
  record: ThreadDocument,
  held: Date | true | null,
): Promise<boolean> {
  const { thread_id: threadId, epoch } = record;
  if (held === null) return true;
  const { matchedCount } = await store.threads.updateOne(
    { ...matchRecord(threadId), epoch, extending: null },
    { $set: { extending: held } },
  );
  return matchedCount > 0 && !(await hasCheckpoint(store, threadId, epoch));
}

/** As if the expiry were changed, which fences refuse. Nothing is put to a life that is over. */
function toHold(record: ThreadDocument, nowMs: number): Date | true | null {
  return isAlive(record, nowMs) ? (readState(record).expiresAt ?? true) : null;
}

/**
 * Stores documents of a copy, and says that it goes on.
 *
 * @returns false if another process has ended the copy
 */
export async function storeCopied(
  store: Store,
  life: CopyLife,
  documents: readonly Document[],
): Promise<boolean> {
  const { threadId, epoch } = life;
  const sealed = (await store.encryption?.sealDocuments(threadId, epoch, documents)) ?? documents;
  try {
    await store.all.insertMany([...sealed], { ordered: true });
  } catch (error) {
    if (!isConflict(error)) throw error;
    if (!(await storeMissing(store, life, sealed))) return false;
  }
  const { matchedCount } = await store.threads.updateOne(matchCopy(life), {
    $set: { copying: new Date(store.estimateTime()) },
  });
  return matchedCount > 0;
}

/** Stores what is not there yet: a repeated command meets itself, or a copy that was ended has left something. */
async function storeMissing(
  store: Store,
  life: CopyLife,
  documents: readonly Document[],
): Promise<boolean> {
  await removeEarlierLives(store, life);
  const found = await findByIds(
    store,
    documents.map(({ _id: id }) => id as Uint8Array),
  );
  const stored = new Set(found.map(({ _id: id }) => bytesToHex(id)));
  const missing = documents.filter(({ _id: id }) => !stored.has(bytesToHex(id as Uint8Array)));
  if (missing.length === 0) return true;
  try {
    await store.all.insertMany([...missing], { ordered: true });
    return true;
  } catch (error) {
    if (!isConflict(error)) throw error;
    return false;
  }
}

/** What the record of a copied thread says. */
export type CopiedEntry = Pick<ThreadDocument, "newest" | "metadata" | "fields" | "moving">;

/**
 * Begins the life that was copied: from now on it is there.
 *
 * @returns false if another process has ended the copy
 */
export async function finishCopy(
  store: Store,
  life: CopyLife,
  expiresAt: Date | undefined,
  { newest, metadata, fields, moving }: CopiedEntry,
): Promise<boolean> {
  const created = new Date(store.estimateTime());
  const sealed = await sealMetadata(store, life, metadata);
  const { matchedCount } = await store.threads.updateOne(matchCopy(life), {
    $set: {
      created_at: created,
      ...(newest && { newest }),
      ...(moving && { moving }),
      ...(metadata !== undefined && { metadata: sealed as string, fields: fields ?? [] }),
      ...(expiresAt && { expires_at: outlive(expiresAt) }),
    },
    $unset: { deleted_at: "", refused_until: "", copying: "" },
  });
  return matchedCount > 0;
}

/** Ends a life that is being copied, and removes what is there of it. */
export async function abandonCopy(
  store: Store,
  { thread_id: threadId, epoch }: Pick<ThreadDocument, "thread_id" | "epoch">,
): Promise<void> {
  const record = store.encryption && (await findRecord(store, threadId));
  const metadata =
    record?.epoch === epoch ? await resealMetadata(store, record, epoch + 1) : undefined;
  const { matchedCount } = await store.threads.updateOne(matchCopy({ threadId, epoch }), {
    $set: {
      ...toLife(threadId, epoch + 1),
      ...(metadata && { metadata: metadata.next as string }),
    },
    $unset: { copying: "" },
  });
  if (matchedCount > 0) await finishDeletion(store, { thread_id: threadId, epoch: epoch + 1 });
}

function matchCopy({ threadId, epoch }: CopyLife): Filter<ThreadDocument> {
  return { ...matchRecord(threadId), epoch, copying: { $exists: true } };
}
