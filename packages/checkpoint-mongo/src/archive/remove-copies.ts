import type { SaverContext } from "../context/context.ts";
import { forgetCopies } from "../store/away-thread.ts";
import { findRecord } from "../store/thread-record.ts";

/**
 * Removes the copies of a thread from the archive store, but for the one that it is in.
 *
 * @param isEnding whether that one is removed too, since the thread is deleted
 */
export async function removeCopies(
  { store, settings: { archive } }: Pick<SaverContext, "store" | "settings">,
  threadId: string,
  { isEnding = true }: { readonly isEnding?: boolean } = {},
): Promise<void> {
  if (archive === undefined) return;
  const record = await findRecord(store, threadId);
  const kept = isEnding ? undefined : record?.away?.key;
  const keys = (record?.copies ?? []).filter((key) => key !== kept && key !== record?.leaving);
  if (keys.length === 0) return;
  for (const key of keys) await archive.delete(key);
  await forgetCopies(store, threadId, keys);
}
