import type { ThreadDocument } from "../documents/documents.ts";
import { assertRecord } from "./assert-record.ts";
import type { Store } from "./store.ts";
import { ENTRY_FIELDS } from "./thread-entry.ts";
import { matchRecord, toLife } from "./thread-record.ts";

/**
 * All that lies where the record of a thread should, or calls itself so. One that does only one of the two
 * is damage.
 */
export function findRecordsOf(
  { threads }: Pick<Store, "threads">,
  threadId: string,
): Promise<ThreadDocument[]> {
  return threads
    .find({ $or: [{ _id: threadId }, matchRecord(threadId)] })
    .sort({ _id: 1 })
    .toArray();
}

/**
 * Looks at what lies where the record of a thread should.
 *
 * @throws CorruptCheckpointError if it is none
 */
export async function checkRecord(store: Pick<Store, "threads">, threadId: string): Promise<void> {
  for (const document of await findRecordsOf(store, threadId)) {
    assertRecord(document, threadId);
  }
}

/**
 * Writes the record of a thread again where it is damaged or missing: in the highest life that any of the
 * thread's documents is of, so that its end is the end of all of them.
 *
 * @returns false if nothing is stored of the thread
 */
export async function mendRecord(
  { all, threads }: Pick<Store, "all" | "threads">,
  threadId: string,
): Promise<boolean> {
  let epoch = 0;
  let isThere = (await threads.findOne({ _id: threadId }, { projection: { _id: 1 } })) !== null;
  for await (const part of all.find({ thread_id: threadId }, { projection: { epoch: 1 } })) {
    isThere = true;
    const own: unknown = part["epoch"];
    if (Number.isSafeInteger(own) && (own as number) < MAX_EPOCH) {
      epoch = Math.max(epoch, own as number);
    }
  }
  if (!isThere) return false;
  // Another record of the thread would be found instead.
  await threads.deleteMany({ ...matchRecord(threadId), _id: { $ne: threadId } });
  await threads.updateOne(
    { _id: threadId },
    {
      $set: { thread_id: threadId, kind: "thread", ...toLife(threadId, epoch) },
      $unset: {
        ...(epoch === 0 && { life: "" }),
        expires_at: "",
        extending: "",
        deleted_at: "",
        newest: "",
        former_expiries: "",
        holder: "",
        held_until: "",
        held_for: "",
        last_token: "",
        line: "",
        refused_until: "",
        copying: "",
        ...ENTRY_FIELDS,
      },
    },
    { upsert: true },
  );
  return true;
}

/** No thread lives so often. */
export const MAX_EPOCH: number = 2 ** 31 - 2;
