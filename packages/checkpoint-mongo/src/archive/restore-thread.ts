import { setTimeout as sleep } from "node:timers/promises";
import type { ArchiveStore } from "../archive-store/archive-store.ts";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { ThreadArchivedError } from "../errors/thread-archived-error.ts";
import { assertRecord } from "../store/assert-record.ts";
import { isArriving } from "../store/arriving-thread.ts";
import { findRecord } from "../store/thread-record.ts";
import { bringIn, type ThreadPartDocument } from "./arrive.ts";
import { decompress } from "./compression.ts";
import { openArchive } from "./read-archive.ts";
import { removeCopies } from "./remove-copies.ts";
import { Envelope } from "./sealed-archive.ts";

/** How often it is looked whether another process has brought a thread back. */
const LOOK_AGAIN_MS = 50;

/**
 * Brings a thread back from the archive store. If another process is doing that, waits for it.
 *
 * @returns false if the thread is not in the archive store
 * @throws ThreadArchivedError if the saver has no archive store
 * @throws InvalidArchiveError if its copy is missing or damaged; the thread stays in the archive store
 * @throws EncryptionKeyError if its copy was encrypted with a key that is not there; it stays there too
 * @throws PlaintextRefusedError if its copy lies in clear text, and the saver encrypts
 */
export async function restoreThread(context: SaverContext, threadId: string): Promise<boolean> {
  const { store, settings } = context;
  for (let isRestored = false; ;) {
    const record = await findRecord(store, threadId);
    if (record?.away === undefined) {
      await removeCopies(context, threadId, { isEnding: false });
      return isRestored;
    }
    if (settings.archive === undefined) throw new ThreadArchivedError(threadId);
    assertRecord(record, threadId);
    if (isArriving(record, store.estimateTime())) await sleep(LOOK_AGAIN_MS);
    else await bringBack(context, settings.archive, record, record.away.key);
    isRestored = true;
  }
}

async function bringBack(
  context: SaverContext,
  archive: ArchiveStore,
  record: ThreadDocument,
  key: string,
): Promise<void> {
  const { created_at, metadata, fields, retention, rollbacks } = record;
  // What is known of the thread may have been changed while it was away.
  await bringIn(context, record, readCopy(context, archive, record.thread_id, key), {
    ...(created_at !== undefined && { created_at }),
    ...(metadata !== undefined && { metadata }),
    ...(fields !== undefined && { fields }),
    ...(retention !== undefined && { retention }),
    ...(rollbacks !== undefined && { rollbacks }),
  });
}

/** Reads a copy. It is asked for when the first document is, so that of several processes one gets it. */
async function* readCopy(
  context: SaverContext,
  archive: ArchiveStore,
  threadId: string,
  key: string,
): AsyncGenerator<ThreadPartDocument> {
  const copy = await archive.get(key);
  if (copy === undefined) {
    throw new InvalidArchiveError(
      `the copy of thread "${threadId}" (${key}) is not in the archive store`,
    );
  }
  const envelope = new Envelope(context.store.encryption, copy);
  const chunks = decompress(envelope.open());
  try {
    const { header, documents } = await openArchive(context, envelope, chunks);
    if (header.thread_id !== threadId) {
      throw new InvalidArchiveError(`it is of another thread than "${threadId}"`, 1);
    }
    yield* documents;
  } finally {
    await chunks.return(undefined);
  }
}
