import type { CheckpointDocument, ThreadDocument, ThreadPart } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { assertHides } from "../store/assert-record.ts";
import { bytesToHex } from "../driver/binary.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import type { Store } from "../store/store.ts";
import { findRecord, findRecords, hasExpired, isOfLife, isOver } from "../store/thread-record.ts";

// A thread lives, ends by a deletion or by its expiry, and may live again. What is stored of a life that
// has ended is still there for a while. Here it is told from what is alive, and from what is damaged.

/**
 * Keeps the documents that are alive: of the life that their thread is in, and not expired. None is
 * taken for expired before the server was asked.
 *
 * @param records of their threads, as they were when the documents were read, or later
 * @throws CorruptCheckpointError if some are left out because a record is damaged
 */
export async function keepLiving<T extends ThreadPart>(
  store: Store,
  documents: readonly T[],
  records: ReadonlyMap<string, ThreadDocument>,
): Promise<readonly T[]> {
  const own = documents.filter((document) => isOfLife(document, records.get(document.thread_id)));
  if (own.length < documents.length) {
    const hidden = documents.filter((document) => !own.includes(document));
    for (const document of hidden) {
      assertHides([document], records.get(document.thread_id), document.thread_id);
    }
  }
  const aboutMs = store.estimateTime();
  const doubtful = own.filter((document) =>
    hasExpired(document, records.get(document.thread_id), aboutMs),
  );
  if (doubtful.length === 0) return own;
  // The time comes first: what had expired by then is still expired when the records are read.
  const nowMs = await store.askTime();
  const threadIds = new Set(doubtful.map(({ thread_id }) => thread_id));
  const current = await findRecords(store, [...threadIds]);
  return own.filter((document) => {
    const record = current.get(document.thread_id);
    if (!threadIds.has(document.thread_id)) return true;
    return isOfLife(document, record) && !hasExpired(document, record, nowMs);
  });
}

/** Whether one document is alive. */
export async function isLiving(
  store: Store,
  document: ThreadPart,
  record: ThreadDocument | undefined,
): Promise<boolean> {
  const records = new Map(record === undefined ? [] : [[document.thread_id, record]]);
  return (await keepLiving(store, [document], records)).length > 0;
}

/** What tells a stored checkpoint from another one in its place. */
export type StoredCheckpoint = Pick<CheckpointDocument, "_id" | "thread_id" | "epoch" | "hash">;

/**
 * Whether something wrong with a checkpoint is damage: it is if the checkpoint is still there as it was
 * read, in a living thread. Otherwise its thread was deleted or has expired meanwhile, or the
 * checkpoint was removed or put again, and parts of it were gone when they were read.
 */
export async function isDamage(store: Store, document: StoredCheckpoint): Promise<boolean> {
  const nowMs = await store.askTime();
  const [record, current] = await Promise.all([
    findRecord(store, document.thread_id),
    store.checkpoints.findOne(
      { _id: document._id },
      { projection: { epoch: 1, hash: 1, expires_at: 1 } },
    ),
  ]);
  return (
    current !== null &&
    (current.epoch ?? 0) === (document.epoch ?? 0) &&
    isSameHash(current.hash, document.hash) &&
    isOfLife(document, record) &&
    // As it is now: it may have been given another expiry since.
    !hasExpired(current, record, nowMs)
  );
}

/**
 * Does something with a checkpoint. If the checkpoint no longer exists, missing parts are not damage.
 *
 * @returns `"gone"` in that case
 * @throws CorruptCheckpointError if it is damage
 */
export async function unlessGone<T>(
  store: Store,
  document: StoredCheckpoint,
  action: () => Promise<T>,
): Promise<T | "gone"> {
  try {
    return await action();
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    if (await isDamage(store, document)) throw error;
    return "gone";
  }
}

/**
 * Reads back what was stored in a life of a thread. If the life has ended since, it is no damage that
 * something is missing.
 *
 * @throws CorruptCheckpointError if it is damage
 */
export async function unlessEnded(
  store: Store,
  life: Pick<ThreadPart, "thread_id" | "epoch">,
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    const nowMs = await store.askTime();
    const record = await findRecord(store, life.thread_id);
    if (record === undefined || !isOfLife(life, record) || isOver(record, nowMs)) return;
    throw error;
  }
}

/** Whether a thread is still in the life that this process knows. */
export async function isInLife({ store, threadId, epoch }: FencedThread): Promise<boolean> {
  const record = await findRecord(store, threadId);
  return record !== undefined && isOfLife({ epoch }, record);
}

function isSameHash(a: unknown, b: unknown): boolean {
  return describe(a) === describe(b);
}

/** Damage may have put anything in the place of a hash. */
function describe(hash: unknown): string {
  try {
    return bytesToHex(hash as CheckpointDocument["hash"]);
  } catch {
    return JSON.stringify(hash) ?? "nothing";
  }
}
