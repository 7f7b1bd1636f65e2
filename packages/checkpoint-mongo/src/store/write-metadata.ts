import type { StoredBytes } from "../driver/binary.ts";
import { requireKeys } from "./document-fields.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { ChangeRounds } from "./change-rounds.ts";
import type { ConflictDeadline } from "./conflict-rounds.ts";
import { joinHeads, type IndexedThread } from "./search-records.ts";
import type { Store } from "./store.ts";
import { findRecord, matchRecord } from "./thread-record.ts";

/** Metadata as it is stored. */
export interface MetadataToStore {
  readonly metadata: string;
  readonly fields: readonly string[];
}

type EntryStore = Pick<Store, "threads" | "checkpoints" | "estimateTime" | "encryption">;

/**
 * Changes the metadata in a thread's record. What others change meanwhile is not lost: it is read again.
 *
 * @param deadline of the call
 * @param change makes the new metadata of the former
 * @returns the thread as it is then; undefined if it is not there
 * @throws WriteConflictError if others keep changing it meanwhile
 */
export async function changeMetadata(
  store: EntryStore,
  threadId: string,
  deadline: ConflictDeadline,
  change: (former: string | undefined) => MetadataToStore,
): Promise<IndexedThread | undefined> {
  const rounds = new ChangeRounds(threadId, "update", deadline);
  for (;;) {
    await rounds.begin();
    const thread = await findThread(store, threadId);
    if (thread === undefined) return undefined;
    const { record, head } = thread;
    const at = new Date(store.estimateTime());
    // It may lie in clear text where it must not.
    requireKeys(record.metadata, "metadata");
    const { metadata, fields } = change(record.metadata);
    const sealed = await sealMetadata(store, record, metadata);
    const changed = await store.threads.findOneAndUpdate(
      {
        ...matchRecord(threadId),
        epoch: record.epoch,
        deleted_at: { $exists: false },
        metadata: sealed.former as string,
        ...(record.stands && { stands: { $exists: true } }),
      },
      {
        $set: { metadata: sealed.next as string, fields },
        ...(record.stands && { $max: { "stands.at": at } }),
      },
      { returnDocument: "after" },
    );
    if (changed === null) continue;
    if (head !== undefined) {
      await store.checkpoints.updateOne(
        { _id: head._id, head: true, stands: { $exists: true } },
        { $max: { "stands.at": at } },
      );
    }
    return (await joinHeads(store, [changed]))[0];
  }
}

/** The metadata as it is stored: what a record has, and what it is to have. */
async function sealMetadata(
  { encryption }: Pick<EntryStore, "encryption">,
  { thread_id: threadId, epoch, metadata: former = null }: WithMetadata,
  next: string,
): Promise<{ readonly former: unknown; readonly next: unknown }> {
  if (encryption === undefined) return { former, next };
  const cipher = await encryption.keys.ensure(threadId, epoch);
  const seal = (text: string): StoredBytes => encryption.sealer.sealThreadMetadata(cipher, text);
  if (typeof former === "string") {
    const sealed = seal(former);
    return {
      former: encryption.isPlainAllowed ? { $in: [sealed, former] } : sealed,
      next: seal(next),
    };
  }
  // What does not open is damaged, and is replaced.
  return { former: former && { $exists: true }, next: seal(next) };
}

type WithMetadata = Pick<ThreadDocument, "thread_id" | "epoch"> & {
  readonly metadata?: string | null;
};

/**
 * Makes a thread one that searches find, before anything was put.
 *
 * @param state `"empty"` if all that was put is about to be removed
 */
export async function beginEntry(
  store: EntryStore,
  threadId: string,
  epoch: number,
  state: "new" | "empty" = "new",
): Promise<void> {
  if (state === "new" && (await findThread(store, threadId)) !== undefined) return;
  await store.threads.updateOne(
    { ...matchRecord(threadId), epoch, stands: { $exists: false } },
    { $set: { head: true, stands: { code: 0, at: new Date(store.estimateTime()) } } },
  );
}

/** @returns undefined if it is not there, as far as searches know */
async function findThread(store: EntryStore, threadId: string): Promise<IndexedThread | undefined> {
  const record: ThreadDocument | undefined = await findRecord(store, threadId);
  const [thread] = record === undefined ? [] : await joinHeads(store, [record]);
  return thread?.head === undefined && thread?.record.stands === undefined ? undefined : thread;
}
