import type { SaverContext } from "../context/context.ts";
import { listSegments } from "../documents/manifest.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { asMissing, asWrongField } from "../errors/corruption.ts";
import { findRecordsOf } from "../store/mend-record.ts";
import { findStrays } from "../store/scan-thread.ts";
import { DamageList, type Damage } from "./damage-list.ts";
import { ThreadInForce } from "./thread-in-force.ts";
import { verifyCheckpoints } from "./verify-checkpoints.ts";
import { listReferences, verifySegments } from "./verify-segments.ts";
import { verifyWitness } from "./verify-witness.ts";
import { verifyWrites } from "./verify-writes.ts";

/** What a walk through everything that is stored of a thread found. */
export interface ThreadReport {
  /** The thread that was verified. */
  readonly threadId: string;
  /** Checkpoints read, of all namespaces. */
  readonly checkpoints: number;
  /** Segments read: the documents that hold the contents of channels. */
  readonly segments: number;
  /** Pending writes read. */
  readonly writes: number;
  /** Segments that nothing refers to: harmless, and removed by `sweep`. */
  readonly orphanedSegments: number;
  /** Empty if all is as it was written. */
  readonly damages: readonly Damage[];
}

/**
 * Verifies everything that is stored of a thread: each document, its place, and the references between
 * them. Reads all of it, one document at a time. What others store, delete or replace meanwhile can
 * look like damage, but not twice. So if something is wrong, everything is read once more, and what is
 * still wrong is damage.
 */
export async function verifyThread(context: SaverContext, threadId: string): Promise<ThreadReport> {
  const report = await walk(context, threadId);
  if (report.damages.length === 0) return report;
  const again = await walk(context, threadId);
  const before = new Set(report.damages.map(nameDamage));
  return { ...again, damages: again.damages.filter((damage) => before.has(nameDamage(damage))) };
}

function nameDamage(damage: Damage): string {
  const { checkpointNs, checkpointId, document, which, field, expected, found } = damage;
  return JSON.stringify([checkpointNs, checkpointId, document, which, field, expected, found]);
}

async function walk(context: SaverContext, threadId: string): Promise<ThreadReport> {
  const { store } = context;
  const nowMs = await store.askTime();
  const records = await findRecordsOf(store, threadId);
  const thread = new ThreadInForce(threadId, records, nowMs);
  const damages = new DamageList();
  const checkpoints = await verifyCheckpoints(context, thread, damages);
  const writes = await verifyWrites(context, thread, checkpoints.ids, damages);
  const wanted = listReferences(checkpoints.records, writes.references);
  const segments = await verifySegments(context, thread, wanted, damages);
  for (const { address, manifest } of checkpoints.records) {
    for (const id of listSegments(manifest)) {
      if (!segments.has(parseSegmentId(id).root))
        damages.add(address, { document: "segment", which: id, ...asMissing() });
    }
  }
  for (const { address, id } of writes.references) {
    if (!segments.has(parseSegmentId(id).root))
      damages.add(address, { document: "segment", which: id, ...asMissing() });
  }
  await verifyWitness(context, thread, damages);
  for (const { which, kind } of await findStrays(store, threadId)) {
    const expected = "one of a thread's kinds of documents";
    const fault = asWrongField({ field: "kind", expected, found: kind });
    damages.add(undefined, { document: "thread", which, ...fault });
  }
  const count = checkpoints.count + writes.count + segments.size;
  // A thread that the server is just removing has no record, and has expired.
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
