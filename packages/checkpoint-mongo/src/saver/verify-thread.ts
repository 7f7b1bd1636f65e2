import type { Corruption } from "../errors/index.ts";
import { listSegments, parseSegmentId } from "../documents/index.ts";
import { findRecords, findStrays } from "../store/index.ts";
import type { SaverContext } from "./context.ts";
import { DamageList, type Damage } from "./damage-list.ts";
import { compareRecords, ThreadInForce } from "./thread-in-force.ts";
import { verifyCheckpoints } from "./verify-checkpoints.ts";
import { listReferences, verifySegments } from "./verify-segments.ts";
import { verifyWrites } from "./verify-writes.ts";

/** What a walk through everything that is stored of a thread found. */
export interface ThreadReport {
  readonly threadId: string;
  readonly checkpoints: number;
  readonly segments: number;
  readonly writes: number;
  /** Segments that nothing refers to: harmless, and removed by `sweep`. */
  readonly orphanedSegments: number;
  /** Empty if all is as it was written. */
  readonly damages: readonly Damage[];
}

/** A thread that is deleted, or whose expiry moves, while it is walked through, is walked through again. */
const MAX_WALKS = 5;

/**
 * Verifies everything that is stored of a thread: each document, that it lies where it belongs, and how
 * they hang together. Reads all of it, one document at a time.
 */
export async function verifyThread(context: SaverContext, threadId: string): Promise<ThreadReport> {
  let records = await findRecords(context.collections, threadId);
  for (let walks = 1; ; walks += 1) {
    const report = await walk(context, threadId, ThreadInForce.read(threadId, records));
    const now = await findRecords(context.collections, threadId);
    if (walks === MAX_WALKS || compareRecords(records, now)) return report;
    records = now;
  }
}

async function walk(
  context: SaverContext,
  threadId: string,
  thread: ThreadInForce,
): Promise<ThreadReport> {
  const damages = new DamageList();
  const checkpoints = await verifyCheckpoints(context, thread, damages);
  const writes = await verifyWrites(context, thread, checkpoints.ids, damages);
  const wanted = listReferences(checkpoints.records, writes.references);
  const segments = await verifySegments(context, thread, wanted, damages);
  for (const { address, manifest } of checkpoints.records) {
    for (const id of listSegments(manifest)) {
      if (!segments.has(parseSegmentId(id).root)) damages.add(address, missing("segment", id));
    }
  }
  for (const { address, id } of writes.references) {
    if (!segments.has(parseSegmentId(id).root)) damages.add(address, missing("segment", id));
  }
  for (const { which, kind } of await findStrays(context.collections, threadId)) {
    const expected = "one of a thread's kinds of documents";
    damages.add(undefined, { document: "thread", which, field: "kind", expected, found: kind });
  }
  const count = checkpoints.count + writes.count + segments.size;
  // What is left of a thread that the server removes just now has no record, and has expired.
  if (count > 0 || thread.isDamaged) damages.addAll(thread.faults);
  return {
    threadId,
    checkpoints: checkpoints.count,
    segments: segments.size,
    writes: writes.count,
    orphanedSegments: [...segments].filter((root) => !wanted.has(root)).length,
    damages: damages.all,
  };
}

function missing(document: Corruption["document"], which: string): Corruption {
  return { document, which, expected: "it to exist", found: "nothing" };
}
