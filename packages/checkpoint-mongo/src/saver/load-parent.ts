import type { CheckpointAddress } from "../address/address.ts";
import { changeExpiry, findCheckpointOnly, isSameState, type ThreadState } from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import { isExpired } from "./threads.ts";

/**
 * What this process remembers of a parent is not built upon for longer: another process may have put
 * the parent again with other content, and sweeps then remove what it was made of, after 600 s at
 * the earliest.
 */
const MAX_AGE_MS = 5 * 60 * 1_000;

/**
 * Gets the checkpoint that a put builds upon: from the cache, unless it is there for long or the
 * thread has another life or expiry by now.
 *
 * @param thread the thread as it is now; undefined if this process does not know it yet
 * @returns undefined if it is not stored in this life of its thread
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function loadParent(
  { collections, cache, hasher }: Pick<SaverContext, "collections" | "cache" | "hasher">,
  address: CheckpointAddress,
  thread: ThreadState | undefined,
): Promise<CheckpointRecord | undefined> {
  const cached = cache.getRecord(address, MAX_AGE_MS);
  if (cached !== undefined && fits(cached, thread)) return cached;
  const document = await findCheckpointOnly(collections, address);
  if (document === undefined) return undefined;
  const record = readRecord(document, hasher);
  cache.setRecord(record);
  if (fits(record, thread)) return record;
  if (thread?.epoch !== record.epoch) return undefined;
  // A process that was overtaken by a change of the expiry ended before it could put that right.
  // What the parent is made of may expire as early as it does.
  await changeExpiry(collections, thread, thread.expiresAt);
  const mended = { ...record, expiresAt: thread.expiresAt };
  cache.setRecord(mended);
  return mended;
}

function fits(record: CheckpointRecord, thread: ThreadState | undefined): boolean {
  return thread === undefined ? !isExpired(record.expiresAt) : isSameState(record, thread);
}
