import type { CheckpointAddress } from "../address/address.ts";
import type { WriteSetDocument } from "../documents/documents.ts";
import { hashAddress } from "../integrity/hashes.ts";
import { findWrites } from "../store/find-writes.ts";
import type { SaverContext } from "./context.ts";

/**
 * Finds the pending writes of checkpoints, whether these are stored or not.
 *
 * @param channels only sets that hold a write to one of these; by default all
 */
export function findWritesOf(
  { collections }: Pick<SaverContext, "collections">,
  addresses: readonly CheckpointAddress[],
  channels?: readonly string[],
): Promise<WriteSetDocument[]> {
  const keys = addresses.map((address) => ({
    _id: hashAddress(address),
    thread_id: address.threadId,
  }));
  return findWrites(collections, keys, channels);
}
