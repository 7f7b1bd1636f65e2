import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import { hashAddress } from "../integrity/hashes.ts";
import { findWrites, toBinary } from "../store/index.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { listWriteSegments, readWrites } from "./read-writes.ts";

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
  if (tuple === undefined) return undefined;
  const { threadId } = address;
  const key = hashAddress({ ...address, checkpointId: tuple.checkpoint.id });
  const documents = await findWrites(collections, features, [
    { _id: toBinary(key), thread_id: threadId },
  ]);
  const wanted = { threadId, lines: [], bytes: listWriteSegments(documents) };
  const contents = await loadContents(collections, cache, [wanted]);
  const added = await readWrites(documents, contents, context);
  return { ...tuple, pendingWrites: [...(tuple.pendingWrites ?? []), ...added] };
}
