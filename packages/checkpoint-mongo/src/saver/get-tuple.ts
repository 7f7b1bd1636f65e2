import { TASKS, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import type { WriteDocument } from "../documents/index.ts";
import { hashAddress } from "../integrity/hashes.ts";
import { findCheckpoint, findWrites, toBinary, type FoundCheckpoint } from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { listWanted, MissingSegmentError, readTuple } from "./read-tuple.ts";
import { isExpired } from "./threads.ts";

/** How often a read that met a thread in the middle of its deletion or replacement looks again. */
const MAX_ATTEMPTS = 3;

/**
 * Reads a checkpoint, or the latest one of its namespace.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function getTuple(
  context: SaverContext,
  address: OpenAddress,
): Promise<CheckpointTuple | undefined> {
  const { collections, features, cache, serializer } = context;
  for (let attempt = 1; ; attempt += 1) {
    const found = await findCheckpoint(collections, features, address);
    if (found === undefined || isExpired(found.document.expires_at)) {
      if (address.checkpointId === undefined) cache.forgetHead(address);
      return undefined;
    }
    const record = readRecord(found.document);
    const stored = {
      record,
      writes: found.writes,
      migratedSends: await findMigratedSends(context, record),
    };
    try {
      const contents = await loadContents(collections, cache, [listWanted(stored)]);
      const tuple = await readTuple(stored, contents, serializer);
      if (address.checkpointId === undefined) {
        cache.setHead(address, { seq: record.seq, staleSeqs: found.staleHeads });
      }
      remember(context, record, found);
      return tuple;
    } catch (error) {
      // Segments go after their checkpoint: if it has gone too, there is nothing to return.
      if (!(error instanceof MissingSegmentError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Tasks that the parent of a checkpoint of format 1 to 3 sent, which lie among its writes. */
export async function findMigratedSends(
  { collections, features }: SaverContext,
  { header, address, parentCheckpointId }: CheckpointRecord,
): Promise<WriteDocument[]> {
  if (header.v >= 4 || parentCheckpointId === undefined) return [];
  const parent = { ...address, checkpointId: parentCheckpointId };
  return findWrites(
    collections,
    features,
    [{ _id: toBinary(hashAddress(parent)), thread_id: address.threadId }],
    [TASKS],
  );
}

function remember({ cache }: SaverContext, record: CheckpointRecord, found: FoundCheckpoint): void {
  cache.setRecord(record);
  const { thread_id: threadId, epoch = 0, expires_at: expiresAt } = found.document;
  cache.setThread({ threadId, epoch, expiresAt });
}
