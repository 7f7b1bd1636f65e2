import { requireKeys } from "./document-fields.ts";
import type { Collection, FindCursor } from "mongodb";
import { inspect } from "node:util";
import type { NamespaceAddress } from "../address/address.ts";
import type {
  CheckpointDocument,
  DiscardedDocument,
  DocumentKind,
  SegmentDocument,
  StoredWrite,
  WriteSetDocument,
} from "../documents/documents.ts";
import { type StoredBytes, bytesToHex, isBinary } from "../driver/binary.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import type { Store } from "./store.ts";

/** The driver decodes a batch at once: a larger one would keep the event loop. */
const SCAN_BATCH = 200;

/** All checkpoints of a thread, by namespace and order. */
export function scanCheckpoints(
  { checkpoints }: Store,
  threadId: string,
): FindCursor<CheckpointDocument> {
  return checkpoints
    .find({ thread_id: threadId, kind: "checkpoint" }, { batchSize: SCAN_BATCH })
    .sort({ checkpoint_ns: 1, seq: 1 });
}

/** Where a checkpoint lies, and in which life of its thread. */
export type CheckpointPlace = Pick<
  CheckpointDocument,
  "thread_id" | "checkpoint_ns" | "checkpoint_id" | "epoch"
>;

/** Whether a thread has a checkpoint; of this life, if one is given. */
export async function hasCheckpoint(
  { checkpoints }: Store,
  threadId: string,
  epoch: number | undefined,
): Promise<boolean> {
  const ofLife = { epoch: (epoch === 0 ? null : epoch) as number };
  const found = await checkpoints.findOne(
    { thread_id: threadId, kind: "checkpoint", ...(epoch !== undefined && ofLife) },
    { projection: { _id: 1 } },
  );
  return found !== null;
}

/** All checkpoints of a thread, without what they hold. */
export function scanCheckpointIds(
  { checkpoints }: Store,
  threadId: string,
): FindCursor<CheckpointPlace> {
  return checkpoints
    .find({ thread_id: threadId, kind: "checkpoint" }, { batchSize: 1_000 })
    .project<CheckpointPlace>({ thread_id: 1, checkpoint_ns: 1, checkpoint_id: 1, epoch: 1 });
}

/** All checkpoints of a namespace, by order. */
export function scanNamespace(
  { checkpoints }: Store,
  { threadId, checkpointNs }: NamespaceAddress,
): FindCursor<CheckpointDocument> {
  return checkpoints
    .find(
      { thread_id: threadId, kind: "checkpoint", checkpoint_ns: checkpointNs },
      { batchSize: SCAN_BATCH },
    )
    .sort({ seq: 1 });
}

/** All checkpoints of a thread that rollbacks have discarded. */
export function scanDiscarded({ all }: Store, threadId: string): FindCursor<DiscardedDocument> {
  return (all as unknown as Collection<DiscardedDocument>).find({
    thread_id: threadId,
    kind: "discarded",
  });
}

/** Where a checkpoint lies that a rollback has discarded. */
export type DiscardedPlace = Pick<
  DiscardedDocument,
  "_id" | "epoch" | "checkpoint_ns" | "checkpoint_id" | "seq"
>;

/** What rollbacks have discarded of a thread, without what it holds. */
export async function listDiscarded(
  store: Store,
  threadId: string,
): Promise<readonly DiscardedPlace[]> {
  return scanDiscarded(store, threadId)
    .project<DiscardedPlace>({ epoch: 1, checkpoint_ns: 1, checkpoint_id: 1, seq: 1 })
    .toArray();
}

/** All pending writes of a thread, those of a checkpoint one after the other. */
export function scanWrites({ writes }: Store, threadId: string): FindCursor<WriteSetDocument> {
  return writes
    .find({ thread_id: threadId, kind: "writes" })
    .sort({ checkpoint_ns: 1, checkpoint_id: 1, task_id: 1, idx: 1 });
}

/** All segments of a thread, the parts of each one after the other. */
export function scanSegments({ segments }: Store, threadId: string): FindCursor<SegmentDocument> {
  return segments.find({ thread_id: threadId, kind: "segment" }).sort({ segment: 1, part: 1 });
}

/** What names the key of what is read. */
const OWNER_FIELDS = { thread_id: 1, kind: 1, epoch: 1 } as const;

/** What a thread's segments are, without their data. */
export type SegmentHead = Pick<SegmentDocument, "_id" | "segment" | "condemned_at">;

/** All segments of a thread without their data. */
export function scanSegmentHeads({ segments }: Store, threadId: string): FindCursor<SegmentHead> {
  return segments
    .find({ thread_id: threadId, kind: "segment" })
    .project<SegmentHead>({ ...OWNER_FIELDS, segment: 1, condemned_at: 1 });
}

/** What a thread's sets of pending writes belong to, without what they hold. */
export type WriteHead = Pick<WriteSetDocument, "_id" | "checkpoint" | "condemned_at">;

/** All sets of pending writes of a thread without what they hold. */
export function scanWriteHeads({ writes }: Store, threadId: string): FindCursor<WriteHead> {
  return writes
    .find({ thread_id: threadId, kind: "writes" })
    .project<WriteHead>({ checkpoint: 1, condemned_at: 1 });
}

/** Which of some checkpoints of a thread are there, by the hex of their `_id`. */
export async function findPresent(
  { checkpoints }: Store,
  threadId: string,
  ids: readonly StoredBytes[],
): Promise<ReadonlySet<string>> {
  const present = new Set<string>();
  for (let start = 0; start < ids.length; start += POINTERS_AT_ONCE) {
    const page = ids.slice(start, start + POINTERS_AT_ONCE);
    const found = await checkpoints
      .find({ _id: { $in: page }, thread_id: threadId }, { projection: { _id: 1 } })
      .toArray();
    for (const { _id } of found) present.add(bytesToHex(_id));
  }
  return present;
}
/** What a rollback has discarded may come back. */
const REFERRING_KINDS: readonly DocumentKind[] = ["checkpoint", "discarded"];

/**
 * The segments that a thread's checkpoints and pending writes refer to.
 *
 * @throws CorruptCheckpointError if a document does not say which: then any may be referred to
 */
export async function* scanReferences(
  { all, writes }: Store,
  threadId: string,
): AsyncGenerator<StoredBytes> {
  for await (const { checkpoint_ns, checkpoint_id, segments } of all
    .find({ thread_id: threadId, kind: { $in: [...REFERRING_KINDS] } })
    .project<Pick<CheckpointDocument, "checkpoint_ns" | "checkpoint_id" | "segments">>({
      ...OWNER_FIELDS,
      checkpoint_ns: 1,
      checkpoint_id: 1,
      segments: 1,
    })) {
    // Of a saver without its keys, too: what it cannot read may refer to any.
    requireKeys(segments, "segments");
    if (!isBinary(segments)) throw unknownReferences(threadId, checkpoint_ns, checkpoint_id);
    yield segments;
  }
  for await (const { writes: set } of writes
    .find({ thread_id: threadId, kind: "writes", "writes.value.segment": { $exists: true } })
    .project<Pick<WriteSetDocument, "writes">>({ ...OWNER_FIELDS, writes: 1 })) {
    // Whatever damage has put there instead refers to nothing.
    for (const write of [set].flat() as readonly (Partial<StoredWrite> | null)[]) {
      const value: unknown = write?.value;
      requireKeys(value, "writes.value");
      const segment: unknown = (value as { segment?: unknown } | undefined)?.segment;
      requireKeys(segment, "writes.value.segment");
      if (isBinary(segment)) yield segment;
    }
  }
}

function unknownReferences(
  threadId: string,
  checkpointNs: string,
  checkpointId: string,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    { threadId, checkpointNs, checkpointId },
    {
      document: "checkpoint",
      which: inspect(checkpointId, { depth: 0 }),
      ...asWrongField({
        field: "segments",
        expected: "bytes of subtype 0",
        found: "something else",
      }),
    },
  );
}

/** Sets of writes that point to checkpoints of a thread but call themselves another one's. */
export async function findPointingInto(
  { writes }: Store,
  threadId: string,
  checkpoints: readonly StoredBytes[],
): Promise<WriteSetDocument[]> {
  const found: WriteSetDocument[] = [];
  for (let start = 0; start < checkpoints.length; start += POINTERS_AT_ONCE) {
    const page = checkpoints.slice(start, start + POINTERS_AT_ONCE);
    const foreign = { checkpoint: { $in: page }, thread_id: { $ne: threadId } };
    found.push(...(await writes.find(foreign).toArray()));
  }
  return found;
}

/** Checkpoints looked for with one command. */
const POINTERS_AT_ONCE = 1_000;

/** A document that calls itself of a thread, but of no kind that a thread has. */
export interface StrayDocument {
  /** Its `_id`. */
  readonly which: string;
  /** What it has as its kind. */
  readonly kind: string;
}

/** Documents of a thread that are of no known kind. */
export async function findStrays(
  { all }: Store,
  threadId: string,
): Promise<readonly StrayDocument[]> {
  const kinds: readonly DocumentKind[] = ["thread", "checkpoint", "segment", "writes", "discarded"];
  const documents = await all
    .find({ thread_id: threadId, kind: { $nin: [...kinds] } }, { projection: { kind: 1 } })
    .toArray();
  return documents.map(({ _id, kind }: { readonly _id: unknown; readonly kind?: unknown }) => ({
    which: `of the _id ${isBinary(_id) ? bytesToHex(_id) : String(_id)}`,
    kind: inspect(kind, { depth: 0 }),
  }));
}

/** The ids of all threads. */
export async function* scanThreadIds({ threads }: Store): AsyncGenerator<string> {
  // That every id is at least the empty one leads planners to the records' own index.
  const all = { kind: "thread", thread_id: { $gte: "" } } as const;
  const ids = threads.find(all).project<{ thread_id: unknown }>({ thread_id: 1 });
  // Of several ids in one record, as damage may put them there, none is sure.
  for await (const { thread_id: id } of ids) if (typeof id === "string") yield id;
}

/** Threads looked up with one command. */
const IDS_AT_ONCE = 1_000;

/**
 * The ids of all threads, also of those that have checkpoints but whose record is lost: these come last.
 */
export async function* scanAllThreadIds(store: Store): AsyncGenerator<string> {
  yield* scanThreadIds(store);
  // As above. By the mark alone, the development server finds nothing.
  const heads = store.checkpoints
    .find({ thread_id: { $gte: "" }, head: true })
    .project<{ thread_id: unknown }>({ thread_id: 1 });
  const lost = new Set<string>();
  let batch = new Set<string>();
  for await (const { thread_id: id } of heads) {
    if (typeof id === "string") batch.add(id);
    if (batch.size < IDS_AT_ONCE) continue;
    for (const threadId of await findWithoutRecord(store, batch)) lost.add(threadId);
    batch = new Set();
  }
  for (const threadId of await findWithoutRecord(store, batch)) lost.add(threadId);
  yield* lost;
}

async function findWithoutRecord(
  { threads }: Store,
  threadIds: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (threadIds.size === 0) return [];
  const records = await threads
    .find({ kind: "thread", thread_id: { $in: Array.from(threadIds) } })
    .project<{ thread_id: string }>({ thread_id: 1 })
    .toArray();
  const found = new Set(records.map(({ thread_id: id }) => id));
  return Array.from(threadIds).filter((threadId) => !found.has(threadId));
}
