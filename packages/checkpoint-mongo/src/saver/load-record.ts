import type { CheckpointAddress } from "../address/address.ts";
import { findCheckpointOnly } from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";

/**
 * Gets a checkpoint's record from the cache, else from the server.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function loadRecord(
  { collections, cache, hasher }: SaverContext,
  address: CheckpointAddress,
): Promise<CheckpointRecord | undefined> {
  const cached = cache.getRecord(address);
  if (cached !== undefined) return cached;
  const document = await findCheckpointOnly(collections, address);
  if (document === undefined) return undefined;
  const record = readRecord(document, hasher);
  cache.setRecord(record);
  return record;
}
