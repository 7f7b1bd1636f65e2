import type { ThreadDocument } from "../documents/documents.ts";
import { ChangeRounds } from "./change-rounds.ts";
import type { ConflictDeadline } from "./conflict-rounds.ts";
import type { Store } from "./store.ts";
import { findRecord, matchRecord } from "./thread-record.ts";

/** Metadata as it is stored. */
export interface MetadataToStore {
  readonly metadata: string;
  readonly fields: readonly string[];
}

/**
 * Changes the metadata in a thread's record. What others change meanwhile is not lost: it is read again.
 *
 * @param deadline of the call
 * @param change makes the new metadata of the former
 * @returns the record as it is then; undefined if the thread is not there
 * @throws WriteConflictError if others keep changing it meanwhile
 */
export async function changeMetadata(
  store: Pick<Store, "threads" | "estimateTime">,
  threadId: string,
  deadline: ConflictDeadline,
  change: (former: string | undefined) => MetadataToStore,
): Promise<ThreadDocument | undefined> {
  const rounds = new ChangeRounds(threadId, "update", deadline);
  for (;;) {
    await rounds.begin();
    const record = await findRecord(store, threadId);
    if (record?.standing === undefined || record.deleted_at !== undefined) return undefined;
    const { metadata, fields } = change(record.metadata);
    const changed = await store.threads.findOneAndUpdate(
      {
        ...matchRecord(threadId),
        epoch: record.epoch,
        metadata: (record.metadata ?? null) as string,
        standing: { $exists: true },
      },
      {
        $set: { metadata, fields },
        $max: { updated_at: new Date(store.estimateTime()) },
      },
      { returnDocument: "after" },
    );
    if (changed !== null) return changed;
  }
}

/** Makes a thread's record one that searches find, before anything was put. */
export async function beginEntry(
  store: Pick<Store, "threads" | "estimateTime">,
  threadId: string,
  epoch: number,
): Promise<void> {
  const now = new Date(store.estimateTime());
  await store.threads.updateOne(
    { ...matchRecord(threadId), epoch },
    { $max: { standing: { seq: 0, code: 0 }, updated_at: now }, $min: { created_at: now } },
  );
}
