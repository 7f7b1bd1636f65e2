import { splitHashes, type ContentHash } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { condemnSegments, pardonSegments, removeCondemned } from "../store/condemn-segments.ts";
import { findRecord, readState } from "../store/thread-record.ts";
import { finishDeletion, removeEarlierLives } from "../store/end-life.ts";
import { scanReferences, scanSegmentHeads, type SegmentHead } from "../store/scan-thread.ts";
import type { Collections } from "../store/collections.ts";

/** What a sweep did. */
export interface SweepResult {
  /** Segments that no checkpoint and no pending write refers to, found by this sweep. */
  readonly condemned: number;
  /** Segments that an earlier sweep had found and nobody has referred to since. */
  readonly removed: number;
}

/**
 * Removes segments that nothing refers to: left by a process or a server that stopped between
 * storing segments and the checkpoint they were for.
 *
 * A segment is removed only if an earlier sweep, at least `graceMs` ago, marked it and nothing has
 * referred to it since. A put that refers to a marked one takes the mark off with the same command
 * that stores its checkpoint, and a put that took nearly that long stores its segments once more
 * before it returns. So none that is in use, or about to be, is removed. How long that is the server's
 * clock says, and the put takes the longer of what its own clocks say.
 */
export async function sweepSegments(
  collections: Collections,
  threadId: string,
  graceMs: number,
): Promise<SweepResult> {
  const { clock, db } = collections;
  const nowMs = await clock.ask(db);
  await finishEndings(collections, threadId);
  // Segments first, references after: what is stored in between is not among the segments.
  const heads = await scanSegmentHeads(collections, threadId).toArray();
  const referred = await collectReferences(collections, threadId);
  // Where a damaged checkpoint does not say what it is made of, anything may be in use.
  if (referred === undefined) return { condemned: 0, removed: 0 };
  const named = heads.filter(({ segment }) => isBinary(segment));
  const byUse = Map.groupBy(named, ({ segment }) => referred.has(bytesToHex(segment)));
  const orphans = byUse.get(false) ?? [];
  const isMarked = ({ condemned_at }: SegmentHead) => condemned_at !== undefined;
  const pardoned = (byUse.get(true) ?? []).filter(isMarked);
  const fresh = orphans.filter((head) => !isMarked(head));
  await pardonSegments(
    collections,
    pardoned.map(({ _id }) => _id),
  );
  await condemnSegments(
    collections,
    fresh.map(({ _id }) => _id),
  );
  const removed = await removeCondemned(
    collections,
    orphans.filter(isMarked).map(({ _id }) => _id),
    new Date(nowMs - graceMs),
  );
  return { condemned: fresh.length, removed };
}

/** Removes what is left of lives of the thread that have ended: by a process that died meanwhile. */
async function finishEndings(collections: Collections, threadId: string): Promise<void> {
  const record = await findRecord(collections, threadId);
  if (record === undefined) return;
  const state = readState(record);
  if (record.deleted_at !== undefined) await finishDeletion(collections, state);
  else await removeEarlierLives(collections, state);
}

/** @returns undefined if a document is damaged, and it is not known what it refers to */
async function collectReferences(
  collections: Collections,
  threadId: string,
): Promise<ReadonlySet<ContentHash> | undefined> {
  const referred = new Set<ContentHash>();
  try {
    for await (const segments of scanReferences(collections, threadId)) {
      for (const hash of splitHashes(toBytes(segments))) referred.add(hash);
    }
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
  return referred;
}
