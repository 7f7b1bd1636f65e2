import { splitHashes, type ContentHash } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { isArriving } from "../store/arriving-thread.ts";
import { removeLeft } from "../store/away-thread.ts";
import { condemnSegments, pardonSegments, removeCondemned } from "../store/condemn-segments.ts";
import { finishDeletion, removeEarlierLives } from "../store/end-life.ts";
import {
  scanReferences,
  scanThreadIds,
  scanSegmentHeads,
  type SegmentHead,
} from "../store/scan-thread.ts";
import type { Store } from "../store/store.ts";
import { findRecord, readState } from "../store/thread-record.ts";

/** What a sweep did. */
export interface SweepResult {
  /** Segments that this sweep has marked, because no checkpoint and no pending write refers to them. */
  readonly condemned: number;
  /** Segments that this sweep has removed: an earlier one had marked them. */
  readonly removed: number;
}

/**
 * Sweeps a thread, or all threads, one after the other.
 *
 * @param threadId undefined for all
 * @param graceMs how long an orphan stays marked before it is removed; see {@link MIN_SWEEP_GRACE_MS}
 */
export async function sweep(
  store: Store,
  threadId: string | undefined,
  graceMs: number,
): Promise<SweepResult> {
  let condemned = 0;
  let removed = 0;
  for await (const id of threadId === undefined ? scanThreadIds(store) : [threadId]) {
    const swept = await sweepSegments(store, id, graceMs);
    condemned += swept.condemned;
    removed += swept.removed;
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
  store: Store,
  threadId: string,
  graceMs: number,
): Promise<SweepResult> {
  const nowMs = await store.askTime();
  await finishEndings(store, threadId);
  // Segments first, references after: what is stored in between is not among the segments.
  const heads = await scanSegmentHeads(store, threadId).toArray();
  const referred = await collectReferences(store, threadId);
  // If a damaged checkpoint does not say what it is made of, any segment may be in use.
  if (referred === undefined) return { condemned: 0, removed: 0 };
  const named = heads.filter(({ segment }) => isBinary(segment));
  const byUse = Map.groupBy(named, ({ segment }) => referred.has(bytesToHex(segment)));
  const orphans = byUse.get(false) ?? [];
  const isMarked = ({ condemned_at }: SegmentHead) => condemned_at !== undefined;
  const pardoned = (byUse.get(true) ?? []).filter(isMarked);
  const fresh = orphans.filter((head) => !isMarked(head));
  await pardonSegments(
    store,
    pardoned.map(({ _id }) => _id),
  );
  await condemnSegments(
    store,
    fresh.map(({ _id }) => _id),
  );
  const removed = await removeCondemned(
    store,
    orphans.filter(isMarked).map(({ _id }) => _id),
    new Date(nowMs - graceMs),
  );
  return { condemned: fresh.length, removed };
}

/** Removes what a process that died has left of ended lives of the thread. */
async function finishEndings(store: Store, threadId: string): Promise<void> {
  const record = await findRecord(store, threadId);
  if (record === undefined) return;
  const state = readState(record);
  // What arrives from an archive is of a later life.
  if (isArriving(record, store.estimateTime())) return;
  if (record.away !== undefined) await removeLeft(store, record);
  else if (record.deleted_at !== undefined) await finishDeletion(store, state);
  else await removeEarlierLives(store, state);
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
