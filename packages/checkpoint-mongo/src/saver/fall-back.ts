import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import {
  findAncestors,
  findCheckpointOfLife,
  findLastInOrder,
  findRecord,
  findWrites,
} from "../store/index.ts";
import type { SaverContext } from "./context.ts";
import { getTuple, readFound } from "./get-tuple.ts";
import { walkParents } from "./walk-parents.ts";

/** How far back in the order to look where a damaged checkpoint does not name its parent. */
const MAX_EARLIER = 1_000;

/**
 * Reads a checkpoint; if it is damaged, its newest valid ancestor, as the `onCorruption` option
 * asks for.
 *
 * @throws CorruptCheckpointError if it is damaged and `onCorruption` is `"throw"`, or no ancestor is
 *   valid
 */
export async function getTupleOrAncestor(
  context: SaverContext,
  address: OpenAddress,
): Promise<CheckpointTuple | undefined> {
  try {
    return await getTuple(context, address);
  } catch (error) {
    const { onCorruption, onEvent } = context.settings;
    if (onCorruption === "throw" || !CorruptCheckpointError.isInstance(error)) throw error;
    for await (const document of listCandidates(context, address)) {
      const tuple = await readIfValid(context, document);
      if (tuple === undefined) continue;
      onEvent({ type: "fall-back", error, returnedCheckpointId: tuple.checkpoint.id });
      return tuple;
    }
    // Nothing is valid, or all of it has gone while one after the other was looked at.
    return getTuple(context, address);
  }
}

async function* listCandidates(
  context: SaverContext,
  address: OpenAddress,
): AsyncGenerator<CheckpointDocument> {
  const { collections, isSharded } = context;
  const damaged = (await findCheckpointOfLife(collections, isSharded, address))?.document;
  if (damaged === undefined) {
    // The latest one is missing: the last that is there is the nearest.
    const record = await findRecord(collections, address.threadId);
    const last = await findLastInOrder(collections, address, record?.epoch);
    if (last !== undefined) {
      yield last;
      yield* walkParents(context, last);
    }
    return;
  }
  let found = false;
  for await (const ancestor of walkParents(context, damaged)) {
    found = true;
    yield ancestor;
  }
  // The damage may be in the name of the parent.
  if (!found) {
    const earlier = await findAncestors(collections, damaged, MAX_EARLIER);
    yield* earlier.filter(({ epoch = 0 }) => epoch === (damaged.epoch ?? 0));
  }
}

async function readIfValid(
  context: SaverContext,
  document: CheckpointDocument,
): Promise<CheckpointTuple | undefined> {
  const writes = (await findWrites(context.collections, [document])).filter(
    ({ epoch = 0 }) => epoch === (document.epoch ?? 0),
  );
  try {
    return await readFound(context, { document, writes });
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}
