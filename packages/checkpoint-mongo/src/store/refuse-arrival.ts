import type { ThreadDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";
import { matchRecord, toLife } from "./thread-record.ts";

/**
 * Ends the arrival of a deleted thread that is written to now. What is stored of it is of an earlier life from then
 * on, also what a slow process stores later.
 */
export async function refuseArrival(
  { threads }: Pick<Store, "threads">,
  { thread_id: threadId, epoch, arriving }: ThreadDocument,
): Promise<void> {
  if (arriving === undefined) return;
  await threads.updateOne(
    {
      ...matchRecord(threadId),
      epoch,
      deleted_at: { $exists: true },
      "arriving.token": arriving.token,
    },
    { $set: toLife(threadId, arriving.life + 1), $unset: { arriving: "" } },
  );
}
