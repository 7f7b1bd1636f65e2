import type { WriteSetDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import { segmentUpdates, type SegmentToStore } from "./save-segments.ts";
import type { ServerFeatures } from "./server-features.ts";
import { fence, toThreadPart, type ThreadState } from "./thread-lifecycle.ts";
import { writeBatch } from "./write-batch.ts";

/** A set of pending writes but for what the thread's state adds. */
export type WriteSetToStore = Omit<WriteSetDocument, "_id" | "epoch" | "expires_at">;

/** How saving sets of writes ended. Failures of the server are thrown. */
export type SaveWritesOutcome =
  | {
      readonly kind: "saved";
      /** The sets in whose place there was one already, which stayed as it was. */
      readonly kept: readonly WriteSetToStore[];
    }
  | { readonly kind: "conflict" };

/**
 * Saves sets of pending writes of one task.
 *
 * @param overwrite whether a set that is there already is replaced; otherwise it stays
 */
export async function saveWrites(
  collections: Collections,
  features: ServerFeatures,
  thread: ThreadState,
  segments: readonly SegmentToStore[],
  sets: readonly WriteSetToStore[],
  overwrite: boolean,
): Promise<SaveWritesOutcome> {
  const before = [fence(thread), ...segmentUpdates(thread, segments)];
  const outcome = await writeBatch(collections, features, [
    ...before,
    ...sets.map(({ thread_id, checkpoint_ns, checkpoint_id, task_id, idx, ...content }) => {
      const fields = { ...content, ...toThreadPart(thread) };
      return {
        collection: "writes" as const,
        filter: { thread_id, checkpoint_ns, checkpoint_id, task_id, idx },
        update: overwrite ? { $set: fields } : { $setOnInsert: fields },
        upsert: true,
      };
    }),
  ]);
  if (outcome.kind === "conflict") return outcome;
  const isKept = (_set: WriteSetToStore, index: number) =>
    !overwrite && !outcome.inserted.has(before.length + index);
  return { kind: "saved", kept: sets.filter(isKept) };
}
