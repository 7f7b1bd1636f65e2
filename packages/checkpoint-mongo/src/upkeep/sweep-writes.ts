import type { SaverContext } from "../context/context.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { findPresent, scanWriteHeads } from "../store/scan-thread.ts";
import { sweepDocuments, type SweptCounts } from "./sweep-documents.ts";

/**
 * Removes sets of pending writes whose checkpoint is not there: left by a process that died in a prune. A set may
 * come before its checkpoint, so it is only marked at first. It is in use if the official saver stored its
 * checkpoint.
 *
 * @param before what was marked by then goes
 */
export async function sweepWrites(
  { store, official }: Pick<SaverContext, "store" | "official">,
  threadId: string,
  before: Date,
): Promise<SweptCounts> {
  // Sets first, checkpoints after: one that is stored in between is seen.
  const heads = await scanWriteHeads(store, threadId).toArray();
  const sets = heads.filter(({ checkpoint }) => isBinary(checkpoint));
  if (sets.length === 0) return { condemned: 0, removed: 0 };
  const pointers = new Map(sets.map(({ checkpoint }) => [bytesToHex(checkpoint), checkpoint]));
  const present = await findPresent(store, threadId, [...pointers.values()]);
  const areAllThere = present.size === pointers.size;
  if (!areAllThere && (await official.hasThread(threadId))) return { condemned: 0, removed: 0 };
  return sweepDocuments(
    store,
    sets,
    ({ checkpoint }) => present.has(bytesToHex(checkpoint)),
    before,
  );
}
