import type { SaverContext } from "../context/context.ts";
import { splitHashes, type ContentHash } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { isArriving } from "../store/arriving-thread.ts";
import { removeLeft } from "../store/away-thread.ts";
import { abandonCopy } from "../store/copy-life.ts";
import { finishDeletion, removeEarlierLives } from "../store/end-life.ts";
import { scanReferences, scanThreadIds, scanSegmentHeads } from "../store/scan-thread.ts";
import type { Store } from "../store/store.ts";
import { MIN_SWEEP_GRACE_MS } from "../store/sweep-grace.ts";
import { findRecord, readState } from "../store/thread-record.ts";
import { sweepDocuments, type SweptCounts } from "./sweep-documents.ts";
import { sweepWrites } from "./sweep-writes.ts";

/** What a sweep did. */
export interface SweepResult {
  /**
   * Documents that this sweep has marked: segments that no checkpoint and no pending write refers to, and sets of
   * pending writes without their checkpoint.
   */
  readonly condemned: number;
  /** Documents that this sweep has removed: an earlier one had marked them. */
  readonly removed: number;
}

/**
 * Sweeps a thread, or all threads, one after the other.
 *
 * @param threadId undefined for all
 * @param graceMs how long an orphan stays marked before it is removed; see {@link MIN_SWEEP_GRACE_MS}
 */
export async function sweep(
  context: Pick<SaverContext, "store" | "official">,
  threadId: string | undefined,
  graceMs: number,
): Promise<SweepResult> {
  const { store } = context;
  let condemned = 0;
  let removed = 0;
  for await (const id of threadId === undefined ? scanThreadIds(store) : [threadId]) {
    const before = new Date((await store.askTime()) - graceMs);
    if (!(await finishEndings(store, id))) continue;
    for (const sweepKind of [sweepWrites, sweepSegments]) {
      const swept = await sweepKind(context, id, before);
      condemned += swept.condemned;
      removed += swept.removed;
    }
  }
  return { condemned, removed };
}

/**
 * Removes segments that nothing refers to: left by a process or a server that stopped between
 * storing segments and the checkpoint they were for.
 *
 * A segment is removed only if an earlier sweep, at least `graceMs` ago, marked it and nothing has
 * referred to it since. A put that refers to a marked one takes the mark off with the same command that
 * stores its checkpoint, and a put that took nearly that long stores its segments once more before it
 * returns. So no segment is removed that is in use, or about to be. The sweep goes by the server's
 * clock, and the put by the one of its own clocks that says longer.
 */
async function sweepSegments(
  { store }: Pick<SaverContext, "store">,
  threadId: string,
  before: Date,
): Promise<SweptCounts> {
  // Segments first, references after: what is stored in between is not among the segments.
  const heads = await scanSegmentHeads(store, threadId).toArray();
  const referred = await collectReferences(store, threadId);
  // If a damaged checkpoint does not say what it is made of, any segment may be in use.
  if (referred === undefined) return { condemned: 0, removed: 0 };
  const named = heads.filter(({ segment }) => isBinary(segment));
  return sweepDocuments(store, named, ({ segment }) => referred.has(bytesToHex(segment)), before);
}

/**
 * Removes what a process that died has left of ended lives of the thread.
 *
 * @returns false if it is just arriving from an archive: what arrives is not whole yet
 */
async function finishEndings(store: Store, threadId: string): Promise<boolean> {
  const record = await findRecord(store, threadId);
  if (record === undefined) return true;
  if (isArriving(record, store.estimateTime())) return false;
  if (record.copying !== undefined) {
    const age = store.estimateTime() - record.copying.getTime();
    // The process that copies has died.
    if (age > MIN_SWEEP_GRACE_MS) await abandonCopy(store, record);
  } else if (record.away !== undefined) {
    await removeLeft(store, record);
  } else if (record.deleted_at !== undefined) {
    await finishDeletion(store, record);
  } else {
    await removeEarlierLives(store, readState(record));
  }
  return true;
}

/** @returns undefined if a document is damaged, and it is not known what it refers to */
async function collectReferences(
  store: Store,
  threadId: string,
): Promise<ReadonlySet<ContentHash> | undefined> {
  const referred = new Set<ContentHash>();
  try {
    for await (const segments of scanReferences(store, threadId)) {
      for (const hash of splitHashes(toBytes(segments))) referred.add(hash);
    }
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
  return referred;
}
