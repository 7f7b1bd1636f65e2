import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress, OpenAddress } from "../address/address.ts";
import type { PositionedWrite } from "../documents/pending-writes.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { decodeWrites, listWantedOfWrites } from "./read-writes.ts";

/**
 * Reads a checkpoint that only the official saver stored. What this saver stored since then of its
 * pending writes is added.
 */
export async function getOfficialTuple(
  context: SaverContext,
  address: OpenAddress,
): Promise<CheckpointTuple | undefined> {
  return context.official.getTuple(address, (place) => readOwnWrites(context, place));
}

async function readOwnWrites(
  context: SaverContext,
  address: CheckpointAddress,
): Promise<readonly PositionedWrite[]> {
  const sets = await findWritesOf(context, [address]);
  const contents = await loadContents(context, listWantedOfWrites(sets));
  return decodeWrites(address, sets, contents, context);
}
