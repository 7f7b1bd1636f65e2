import type { CheckpointAddress } from "../address/address.ts";
import {
  listSegments,
  parseSegmentId,
  type ContentHash,
  type SegmentId,
  type ThreadDocument,
  type ThreadPart,
  type WriteSetDocument,
} from "../documents/index.ts";
import { CorruptCheckpointError, type Corruption } from "../errors/index.ts";
import {
  bytesToHex,
  joinParts,
  findRecord,
  hasExpired,
  isOfLife,
  scanCheckpoints,
  scanSegments,
  scanWrites,
} from "../store/index.ts";
import { readAddress, readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents, nameStart, verifySegment } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import {
  listStoredWrites,
  listWantedOfWrites,
  listWriteSegments,
  readWriteAddress,
  readWriteSet,
  verifyPointer,
} from "./read-writes.ts";

/** Something of a thread that is not as it was written. */
export interface Damage extends Corruption {
  readonly checkpointNs: string | undefined;
  /** The checkpoint that it makes unusable; undefined for a segment that several may need. */
  readonly checkpointId: string | undefined;
}

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

/**
 * Verifies everything that is stored of a thread: each document, and how they hang together. Reads
 * all of it, one document at a time. What others store, delete or replace meanwhile can look like damage,
 * but not twice: where something is wrong, all is read once more, and what is still wrong is damage.
 */
export async function verifyThread(context: SaverContext, threadId: string): Promise<ThreadReport> {
  const report = await walkThread(context, threadId);
  if (report.damages.length === 0) return report;
  const again = await walkThread(context, threadId);
  const before = new Set(report.damages.map(nameDamage));
  return { ...again, damages: again.damages.filter((damage) => before.has(nameDamage(damage))) };
}

function nameDamage(damage: Damage): string {
  const { checkpointNs, checkpointId, document, which, expected, found } = damage;
  return JSON.stringify([checkpointNs, checkpointId, document, which, expected, found]);
}

async function walkThread(context: SaverContext, threadId: string): Promise<ThreadReport> {
  const damages: Damage[] = [];
  const { collections } = context;
  // In this order: what had expired by then is still so when the record is read.
  const nowMs = await collections.clock.ask(collections.db);
  const life = { threadId, nowMs, record: await findRecord(collections, threadId) };
  const checkpoints = await verifyCheckpoints(context, life, damages);
  const writes = await verifyWrites(context, life, damages);
  const wanted = listReferences(checkpoints.records, writes.segments);
  const segments = await verifySegments(context, life, wanted, damages);
  for (const { address, manifest } of checkpoints.records) {
    for (const id of listSegments(manifest)) {
      if (!segments.has(parseSegmentId(id).root)) {
        damages.push({ ...locate(address), ...missing("segment", id) });
      }
    }
  }
  return {
    threadId,
    checkpoints: checkpoints.count,
    segments: segments.size,
    writes: writes.count,
    orphanedSegments: [...segments].filter((root) => !wanted.has(root)).length,
    damages,
  };
}

/** What the verification of a chain needs of a checkpoint. */
type Link = Pick<
  CheckpointRecord,
  "address" | "manifest" | "parentCheckpointId" | "parentHash" | "hash" | "seq"
>;

/** The life of a thread that is verified. */
interface Life {
  readonly threadId: string;
  readonly record: ThreadDocument | undefined;
  /** By the server's clock. */
  readonly nowMs: number;
}

/** What is left of other lives, and of one that has expired, is nobody's. */
function isAlive(document: ThreadPart, { record, nowMs }: Life): boolean {
  return isOfLife(document, record) && !hasExpired(document, record, nowMs);
}

async function verifyCheckpoints(
  context: SaverContext,
  life: Life,
  damages: Damage[],
): Promise<{ readonly count: number; readonly records: readonly Link[] }> {
  const { collections, hasher } = context;
  const records: Link[] = [];
  const last = new Map<string, { address: CheckpointAddress; marked: boolean }>();
  let count = 0;
  for await (const document of scanCheckpoints(collections, life.threadId)) {
    if (!isAlive(document, life)) continue;
    count += 1;
    const address = readAddress(document);
    last.set(address.checkpointNs, { address, marked: document.head === true });
    await collectDamage(damages, () => {
      const { manifest, parentCheckpointId, parentHash, hash, seq } = readRecord(document, hasher);
      records.push({ address, manifest, parentCheckpointId, parentHash, hash, seq });
    });
  }
  for (const { address, marked } of last.values()) {
    if (!marked) {
      damages.push({ ...locate(address), ...missing("checkpoint", "that comes after it") });
    }
  }
  verifyChain(records, damages);
  return { count, records };
}

/** Each checkpoint covers its parent's hash, so what was removed, edited or put back shows. */
function verifyChain(records: readonly Link[], damages: Damage[]): void {
  const byPlace = new Map(records.map((record) => [formatPlace(record.address), record]));
  for (const { address, parentCheckpointId, parentHash, seq } of records) {
    if (parentCheckpointId === undefined || parentHash === undefined) continue;
    const parent = byPlace.get(formatPlace({ ...address, checkpointId: parentCheckpointId }));
    if (parent === undefined) {
      damages.push({ ...locate(address), ...missing("checkpoint", parentCheckpointId) });
    } else if (Buffer.compare(parentHash, parent.hash) !== 0 || parent.seq >= seq) {
      damages.push({
        ...locate(address),
        document: "checkpoint",
        which: parentCheckpointId,
        expected: `the hash ${toHex(parentHash)}, and a place in the order before ${seq}`,
        found: `the hash ${toHex(parent.hash)} in place ${parent.seq}`,
      });
    }
  }
}

async function verifyWrites(
  context: SaverContext,
  life: Life,
  damages: Damage[],
): Promise<{ readonly count: number; readonly segments: readonly SegmentId[] }> {
  const segments: SegmentId[] = [];
  let count = 0;
  const ofThread = scanWrites(context.collections, life.threadId);
  for await (const group of groupRuns(ofThread, placeOfWrite)) {
    const sets = group.filter((set) => isAlive(set, life));
    const contents = await loadContents(context, listWantedOfWrites(sets));
    for (const set of sets) {
      await collectDamage(damages, () => readWriteSet(set, contents, context));
      await collectDamage(damages, () => verifyPointer(set));
      count += listStoredWrites(set).length;
    }
    segments.push(...listWriteSegments(sets));
  }
  return { count, segments };
}

/** The names under which segments are referred to, by where they are found. */
function listReferences(
  records: readonly Link[],
  ofWrites: readonly SegmentId[],
): ReadonlyMap<ContentHash, ReadonlySet<SegmentId>> {
  const ids = new Set(ofWrites);
  for (const { manifest } of records) for (const id of listSegments(manifest)) ids.add(id);
  const byRoot = new Map<ContentHash, Set<SegmentId>>();
  for (const id of ids) {
    const { root } = parseSegmentId(id);
    byRoot.set(root, (byRoot.get(root) ?? new Set()).add(id));
  }
  return byRoot;
}

/** Verifies each segment as it began and under all names that refer to it. */
async function verifySegments(
  { collections, settings }: SaverContext,
  life: Life,
  wanted: ReadonlyMap<ContentHash, ReadonlySet<SegmentId>>,
  damages: Damage[],
): Promise<ReadonlySet<ContentHash>> {
  const segments = new Set<ContentHash>();
  const cursor = scanSegments(collections, life.threadId);
  for await (const parts of groupRuns(cursor, ({ segment }) => bytesToHex(segment))) {
    if (!isAlive(parts[0]!, life)) continue;
    const stored = joinParts(parts);
    segments.add(stored.root);
    for (const id of new Set([nameStart(stored), ...(wanted.get(stored.root) ?? [])])) {
      const verified = await verifySegment(id, stored, settings.maxContentBytes);
      if ("found" in verified) {
        const place = { checkpointNs: undefined, checkpointId: undefined };
        damages.push({ ...place, document: "segment", which: id, ...verified });
      }
    }
  }
  return segments;
}

/** Puts neighbours with the same key together. */
async function* groupRuns<T>(
  items: AsyncIterable<T>,
  keyOf: (item: T) => string,
): AsyncGenerator<T[]> {
  let run: T[] = [];
  for await (const item of items) {
    if (run.length > 0 && keyOf(run[0]!) !== keyOf(item)) {
      yield run;
      run = [];
    }
    run.push(item);
  }
  if (run.length > 0) yield run;
}

async function collectDamage(damages: Damage[], verify: () => unknown): Promise<void> {
  try {
    await verify();
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    const { checkpointNs, checkpointId, corruption } = error;
    damages.push({ checkpointNs, checkpointId, ...corruption });
  }
}

function locate({ checkpointNs, checkpointId }: CheckpointAddress): Omit<Damage, keyof Corruption> {
  return { checkpointNs, checkpointId };
}

function missing(document: Corruption["document"], which: string): Corruption {
  return { document, which, expected: "it to exist", found: "nothing" };
}

function placeOfWrite(write: WriteSetDocument): string {
  return formatPlace(readWriteAddress(write));
}

function formatPlace({ checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
