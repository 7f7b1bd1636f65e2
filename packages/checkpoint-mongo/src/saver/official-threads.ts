import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import { arrangeWrites, type PositionedWrite } from "../documents/index.ts";
import { hashAddress } from "../integrity/hashes.ts";
import { findWrites, toBinary } from "../store/index.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { decodeWrites, listWriteSegments } from "./read-writes.ts";

/**
 * Reads a checkpoint that only the official saver stored. What this saver stored since then of its
 * pending writes is added.
 */
export async function getOfficialTuple(
  context: SaverContext,
  address: OpenAddress,
): Promise<CheckpointTuple | undefined> {
  const { official, collections, features, cache } = context;
  const tuple = await official?.getTuple(address);
  if (official === undefined || tuple === undefined) return undefined;
  const { threadId } = address;
  const place = { ...address, checkpointId: tuple.checkpoint.id };
  const key = hashAddress(place);
  const documents = await findWrites(collections, features, [
    { _id: toBinary(key), thread_id: threadId },
  ]);
  const wanted = { threadId, lines: [], bytes: listWriteSegments(documents) };
  const contents = await loadContents(collections, cache, [wanted]);
  if (documents.length === 0) return tuple;
  const added = await decodeWrites(documents, contents, context);
  return { ...tuple, pendingWrites: mergeWrites(await official.readWrites(place), added) };
}

/** An ordinary write that is there stays; to a special channel the later one counts. */
function mergeWrites(
  official: readonly PositionedWrite[],
  added: readonly PositionedWrite[],
): CheckpointPendingWrite[] {
  const merged = new Map<string, PositionedWrite>();
  for (const write of [...official, ...added]) {
    const key = JSON.stringify([write.taskId, write.index]);
    if (write.index < 0 || !merged.has(key)) merged.set(key, write);
  }
  return arrangeWrites([...merged.values()]);
}
