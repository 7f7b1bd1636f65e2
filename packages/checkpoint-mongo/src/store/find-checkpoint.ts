import type { Document, Filter } from "mongodb";
import type { NamespaceAddress, OpenAddress } from "../address/address.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/index.ts";
import { readErrorCode } from "../driver/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import type { Collections } from "./collections.ts";
import { findWrites } from "./find-writes.ts";

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
}

/** A found document would be over the limit with everything joined to it. */
const TOO_LARGE_CODES: ReadonlySet<number | undefined> = new Set([
  4568, 10_334, 17_280, 17_419, 17_420,
]);

/**
 * Finds a checkpoint, or the latest one of its namespace, and its pending writes: with one command,
 * on a sharded cluster with two.
 */
export async function findCheckpoint(
  collections: Collections,
  isSharded: boolean,
  address: OpenAddress,
): Promise<FoundCheckpoint | undefined> {
  const filter = matchCheckpoint(address);
  if (!isSharded) {
    try {
      return await findWithWrites(collections, filter);
    } catch (error) {
      if (!TOO_LARGE_CODES.has(readErrorCode(error))) throw error;
    }
  }
  const found = takeLatest(await collections.checkpoints.find(filter).toArray());
  if (found === undefined) return undefined;
  const writes = await findWrites(collections, [found.document]);
  return { ...found, writes };
}

/** Finds a checkpoint without its pending writes. */
export async function findCheckpointOnly(
  collections: Collections,
  address: OpenAddress,
): Promise<CheckpointDocument | undefined> {
  return takeLatest(await collections.checkpoints.find(matchCheckpoint(address)).toArray())
    ?.document;
}

/**
 * All checkpoints that are marked as the latest, the highest in the order first, expired ones too.
 *
 * @throws CorruptCheckpointError if one has no place in the order
 */
export async function findHeads(
  collections: Collections,
  { threadId, checkpointNs }: NamespaceAddress,
): Promise<readonly PlacedCheckpoint[]> {
  const documents = await collections.checkpoints
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
        field: "seq",
        expected: "a whole number from 1",
        found: String(seq),
      },
    );
  }
  return documents.map(toPlaced).toSorted((a, b) => b.seq - a.seq);
}

async function findWithWrites(
  collections: Collections,
  filter: Filter<CheckpointDocument>,
): Promise<FoundCheckpoint | undefined> {
  const documents = await collections.checkpoints
    .aggregate<CheckpointDocument & { writes: WriteSetDocument[] }>([
      { $match: filter as Document },
      {
        $lookup: {
          from: collections.all.collectionName,
          localField: "_id",
          foreignField: "checkpoint",
          as: "writes",
        },
      },
    ])
    .toArray();
  const found = takeLatest(documents);
  return found === undefined ? undefined : { ...found, writes: found.document.writes };
}

function matchCheckpoint({
  threadId,
  checkpointNs,
  checkpointId,
}: OpenAddress): Filter<CheckpointDocument> {
  return checkpointId === undefined
    ? // Only a checkpoint has a head.
      { thread_id: threadId, checkpoint_ns: checkpointNs, head: true }
    : {
        thread_id: threadId,
        kind: "checkpoint",
        checkpoint_id: checkpointId,
        checkpoint_ns: checkpointNs,
      };
}

function takeLatest<T extends CheckpointDocument>(
  documents: readonly T[],
): { document: T; staleHeads: readonly PlacedCheckpoint[] } | undefined {
  // One without a place comes first, and is then refused by whoever reads it.
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
