import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress, OpenAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { findCheckpoint } from "../store/find-checkpoint.ts";
import { type CheckpointLink, findLinks } from "../store/find-links.ts";
import { getTuple, readFound } from "./get-tuple.ts";

/** How far back in the order to look. */
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
    for await (const checkpointId of listCandidates(context, address, error)) {
      const tuple = await readIfValid(context, { ...address, checkpointId });
      if (tuple === undefined) continue;
      onEvent({ type: "fall-back", error, returnedCheckpointId: tuple.checkpoint.id });
      return tuple;
    }
    // No checkpoint is valid, or all were removed meanwhile.
    return getTuple(context, address);
  }
}

/** What may be returned instead of a damaged checkpoint, the nearest first. */
async function* listCandidates(
  { store }: SaverContext,
  address: OpenAddress,
  { checkpointId: damagedId }: CorruptCheckpointError,
): AsyncGenerator<string> {
  // Only their names: the rest of each may be damaged too.
  const links = await findLinks(store, address, MAX_EARLIER);
  const byId = new Map(links.map((link) => [link.checkpointId, link]));
  const damaged = byId.get(address.checkpointId ?? damagedId ?? "");
  const seen = new Set<CheckpointLink>();
  if (damaged !== undefined) {
    // If the latest is missing, the error names the last one that is there, which may be whole.
    if (address.checkpointId === undefined) yield damaged.checkpointId;
    let ancestor = findParent(byId, damaged);
    while (ancestor !== undefined && !seen.has(ancestor)) {
      seen.add(ancestor);
      yield ancestor.checkpointId;
      ancestor = findParent(byId, ancestor);
    }
  }
  // The damage may be in its own name or its parent's.
  if (seen.size > 0) return;
  const earlier = damaged === undefined ? links : links.slice(links.indexOf(damaged) + 1);
  for (const link of earlier) yield link.checkpointId;
}

function findParent(
  byId: ReadonlyMap<string, CheckpointLink>,
  { parentCheckpointId }: CheckpointLink,
): CheckpointLink | undefined {
  return parentCheckpointId === undefined ? undefined : byId.get(parentCheckpointId);
}

async function readIfValid(
  context: SaverContext,
  address: CheckpointAddress,
): Promise<CheckpointTuple | undefined> {
  const found = await findCheckpoint(context.store, address);
  if (found === undefined) return undefined;
  try {
    return await readFound(context, found);
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}
