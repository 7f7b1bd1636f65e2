import type { Document, Filter } from "mongodb";
import type { NamespaceAddress, OpenAddress } from "../address/address.ts";
import type {
  CheckpointDocument,
  ThreadDocument,
  ThreadPart,
  WriteSetDocument,
} from "../documents/documents.ts";
import { readErrorCode } from "../driver/server-errors.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import { assertHides } from "./assert-record.ts";
import { bytesToHex } from "../driver/binary.ts";
import { groupByPointer } from "./find-writes.ts";
import { matchCheckpoint } from "./match-checkpoint.ts";
import { oneOf } from "./one-of.ts";
import type { Store } from "./store.ts";
import { findRecord, isOfLife, matchRecord } from "./thread-record.ts";

/** A checkpoint and its place in the order of its namespace. */
export interface PlacedCheckpoint {
  readonly checkpointId: string;
  readonly seq: number;
}

/** A checkpoint as stored, with the pending writes that belong to it. */
export interface FoundCheckpoint {
  readonly document: CheckpointDocument;
  readonly writes: readonly WriteSetDocument[];
  /**
   * Further checkpoints that are marked as the latest: left so by a server that stopped in
   * mid-command.
   */
  readonly staleHeads: readonly PlacedCheckpoint[];
  /** The record of its thread, as it was then. */
  readonly record: ThreadDocument | undefined;
  /** Whether the record was read some time after the checkpoint, by another command. */
  readonly isRecordLater?: boolean | undefined;
}

/** What a server says if a document with everything joined to it would be over the limit. */
const TOO_LARGE_CODES: ReadonlySet<number | undefined> = new Set([
  4568, 10_334, 17_280, 17_419, 17_420,
]);

/**
 * Finds a checkpoint, or the latest one of its namespace, and its pending writes, in the life that its
 * thread is in: with one command, on a sharded cluster with two.
 */
export async function findCheckpoint(
  store: Store,
  address: OpenAddress,
): Promise<FoundCheckpoint | undefined> {
  const found = await findOfLife(store, address, "with writes");
  if (found === undefined) return undefined;
  const { document, record } = found;
  const { writes = [] } = found;
  return { ...found, writes: writes.filter((set) => isOfSameLife(set, document)), record };
}

/** Finds a checkpoint in the life that its thread is in, without its pending writes. */
export async function findCheckpointOfLife(
  store: Store,
  address: OpenAddress,
): Promise<Pick<FoundCheckpoint, "document" | "record"> | undefined> {
  return findOfLife(store, address, "alone");
}

/** Finds a checkpoint without its pending writes, in any life of its thread. */
export async function findCheckpointOnly(
  store: Store,
  address: OpenAddress,
): Promise<CheckpointDocument | undefined> {
  return takeLatest(await store.checkpoints.find(matchOpen(address)).toArray())?.document;
}

/**
 * All checkpoints that are marked as the latest, the highest in the order first, expired ones too.
 *
 * @throws CorruptCheckpointError if one has no place in the order
 */
export async function findHeads(
  store: Store,
  { threadId, checkpointNs }: NamespaceAddress,
): Promise<readonly PlacedCheckpoint[]> {
  const documents = await store.checkpoints
    .find(
      { thread_id: threadId, checkpoint_ns: checkpointNs, head: true },
      { projection: { _id: 0, checkpoint_id: 1, seq: 1 } },
    )
    .toArray();
  for (const { checkpoint_id: checkpointId, seq } of documents) {
    if (isPlace(seq)) continue;
    throw new CorruptCheckpointError(
      { threadId, checkpointNs, checkpointId },
      {
        document: "checkpoint",
        which: checkpointId,
        ...asWrongField({ field: "seq", expected: "a whole number from 1", found: String(seq) }),
      },
    );
  }
  return documents.map(toPlaced).toSorted((a, b) => b.seq - a.seq);
}

/** A checkpoint with the record of its thread, and its writes where they were joined to it. */
type Joined = CheckpointDocument & {
  readonly records: readonly ThreadDocument[];
  readonly writes?: readonly WriteSetDocument[];
};

type Found = Omit<FoundCheckpoint, "writes"> & {
  readonly writes: readonly WriteSetDocument[] | undefined;
};

async function findOfLife(
  store: Store,
  address: OpenAddress,
  what: "with writes" | "alone",
): Promise<Found | undefined> {
  const filter = matchOpen(address);
  if (!store.features.isSharded) {
    try {
      const joined = await findJoined(store, filter, what);
      const record = joined[0]?.records[0];
      const found = takeLatest(keepOfLife(joined, record, address.threadId));
      return found && { ...found, record, writes: found.document.writes };
    } catch (error) {
      if (!TOO_LARGE_CODES.has(readErrorCode(error))) throw error;
    }
  }
  const documents = await store.checkpoints.find(filter).toArray();
  if (documents.length === 0) return undefined;
  if (what === "alone") {
    const record = await findRecord(store, address.threadId);
    const found = takeLatest(keepOfLife(documents, record, address.threadId));
    return found && { ...found, record, writes: undefined };
  }
  const { record, writes } = await findBeside(store, address, documents);
  const found = takeLatest(keepOfLife(documents, record, address.threadId));
  if (found === undefined) return undefined;
  const own = groupByPointer(writes).get(bytesToHex(found.document._id)) ?? [];
  return { ...found, record, writes: own, isRecordLater: true };
}

/** Finds with one more command what cannot be joined: a thread's record, and checkpoints' writes. */
async function findBeside(
  { all }: Store,
  { threadId }: OpenAddress,
  checkpoints: readonly CheckpointDocument[],
): Promise<Pick<FoundCheckpoint, "record" | "writes">> {
  const found = await all
    .find<ThreadDocument | WriteSetDocument>({
      $or: [
        // Only a set of writes names a checkpoint. The thread names the shard to ask.
        { checkpoint: oneOf(checkpoints.map(({ _id }) => _id)), thread_id: threadId },
        matchRecord(threadId) as Filter<Document>,
      ],
    })
    .toArray();
  const isRecord = (document: ThreadDocument | WriteSetDocument): document is ThreadDocument =>
    document.kind === "thread" && !("checkpoint" in document);
  return {
    record: found.find(isRecord),
    writes: found.filter((document) => !isRecord(document)),
  };
}

async function findJoined(
  { checkpoints, all }: Store,
  filter: Filter<CheckpointDocument>,
  what: "with writes" | "alone",
): Promise<Joined[]> {
  const join = (localField: string, foreignField: string, as: string): Document => ({
    $lookup: { from: all.collectionName, localField, foreignField, as },
  });
  return checkpoints
    .aggregate<Joined>([
      { $match: filter as Document },
      ...(what === "with writes" ? [join("_id", "checkpoint", "writes")] : []),
      // A record has the id of its thread.
      join("thread_id", "_id", "records"),
    ])
    .toArray();
}

/**
 * Those of a thread's documents that are of the life it is in.
 *
 * @throws CorruptCheckpointError if others are not because the record is damaged
 */
function keepOfLife<T extends ThreadPart>(
  documents: readonly T[],
  record: ThreadDocument | undefined,
  threadId: string,
): readonly T[] {
  const hidden = documents.filter((document) => !isOfLife(document, record));
  assertHides(hidden, record, threadId);
  return documents.filter((document) => isOfLife(document, record));
}

/** Whether two documents of a thread belong to the same life of it. */
function isOfSameLife(
  { epoch: a = 0 }: Pick<ThreadPart, "epoch">,
  { epoch: b = 0 }: Pick<ThreadPart, "epoch">,
): boolean {
  return a === b;
}

function matchOpen({
  threadId,
  checkpointNs,
  checkpointId,
}: OpenAddress): Filter<CheckpointDocument> {
  return checkpointId === undefined
    ? // Only a checkpoint has a head.
      { thread_id: threadId, checkpoint_ns: checkpointNs, head: true }
    : matchCheckpoint({ threadId, checkpointNs, checkpointId });
}

function takeLatest<T extends CheckpointDocument>(
  documents: readonly T[],
): { document: T; staleHeads: readonly PlacedCheckpoint[] } | undefined {
  // One without a place comes first, and its reader refuses it.
  const [document, ...stale] = documents.toSorted((a, b) => rank(b) - rank(a));
  return document === undefined ? undefined : { document, staleHeads: stale.map(toPlaced) };
}

function rank({ seq }: Pick<CheckpointDocument, "seq">): number {
  return isPlace(seq) ? seq : Number.MAX_VALUE;
}

function isPlace(seq: unknown): seq is number {
  return Number.isSafeInteger(seq) && (seq as number) > 0;
}

function toPlaced({
  checkpoint_id: checkpointId,
  seq,
}: Pick<CheckpointDocument, "checkpoint_id" | "seq">): PlacedCheckpoint {
  return { checkpointId, seq };
}
