import type { SaverContext } from "../context/context.ts";
import { listSegments } from "../documents/manifest.ts";
import { readAddress } from "../address/read-address.ts";
import { type ContentHash, type SegmentId, parseSegmentId } from "../documents/segment-id.ts";
import { asMissing, asWrongField } from "../errors/corruption.ts";
import { findRecordsOf } from "../store/mend-record.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findStrays, scanCheckpoints } from "../store/scan-thread.ts";
import { DamageList, type Damage } from "./damage-list.ts";
import { References } from "./references.ts";
import { ThreadInForce } from "./thread-in-force.ts";
import { verifyCheckpoints } from "./verify-checkpoints.ts";
import { verifySegments } from "./verify-segments.ts";
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

/** Names the checkpoints that refer to missing segments. To keep who refers to what would take much memory. */
async function nameIncomplete(
  { store, hasher }: SaverContext,
  thread: ThreadInForce,
  segments: ReadonlySet<ContentHash>,
  damages: DamageList,
): Promise<void> {
  for await (const document of scanCheckpoints(store, thread.threadId)) {
    if (thread.isOnItsWayOut(document)) continue;
    const address = readAddress(document);
    const name = { document: "checkpoint", which: address.checkpointId } as const;
    if (thread.findInvented(document, name) !== undefined) continue;
    let missing: readonly SegmentId[] = [];
    // What is wrong with the checkpoint itself has been reported.
    await new DamageList().collect(address, () => {
      const all = listSegments(readRecord(document, hasher).manifest);
      missing = all.filter((id) => !segments.has(parseSegmentId(id).root));
    });
    for (const id of missing) {
      damages.add(address, { document: "segment", which: id, ...asMissing() });
    }
  }
}

async function walk(context: SaverContext, threadId: string): Promise<ThreadReport> {
  const { store } = context;
  const nowMs = await store.askTime();
  const records = await findRecordsOf(store, threadId);
  return verifyLife(context, new ThreadInForce(threadId, records, nowMs));
}

/** Verifies everything that is stored of one life of a thread, once. */
export async function verifyLife(
  context: SaverContext,
  thread: ThreadInForce,
): Promise<ThreadReport> {
  const { store } = context;
  const { threadId } = thread;
  const damages = new DamageList();
  const wanted = new References();
  const checkpoints = await verifyCheckpoints(context, thread, wanted, damages);
  const writes = await verifyWrites(context, thread, checkpoints.ids, damages);
  for (const { id } of writes.references) wanted.add(id);
  const segments = await verifySegments(context, thread, wanted, damages);
  if (!wanted.areIn(segments)) await nameIncomplete(context, thread, segments, damages);
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
