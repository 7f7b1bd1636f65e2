import type { WriteDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import { segmentUpdates, type SegmentToStore } from "./save-segments.ts";
import type { ServerFeatures } from "./server-features.ts";
import { fence, toThreadPart, type ThreadState } from "./thread-lifecycle.ts";
import { writeBatch } from "./write-batch.ts";

/** A pending write document but for what the thread's state adds. */
export type WriteToStore = Omit<WriteDocument, "_id" | "epoch" | "expires_at">;

/**
 * Saves the writes of one task.
 *
 * @param overwrite whether a write that is there already is replaced; otherwise it stays
 */
export async function saveWrites(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
  writes: readonly WriteToStore[],
  overwrite: boolean,
): Promise<"saved" | "conflict"> {
  const outcome = await writeBatch(collections, features, [
    fence(thread),
    ...segmentUpdates(thread, segments),
    ...writes.map(({ thread_id, checkpoint_ns, checkpoint_id, task_id, idx, ...content }) => {
      const fields = { ...content, ...toThreadPart(thread) };
      return {
        collection: "writes" as const,
        filter: { thread_id, checkpoint_ns, checkpoint_id, task_id, idx },
        update: overwrite ? { $set: fields } : { $setOnInsert: fields },
        upsert: true,
      };
    }),
  ]);
  return outcome.kind === "done" ? "saved" : "conflict";
}
