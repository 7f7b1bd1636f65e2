import type { SaverContext } from "../context/context.ts";
import type { DiscardedDocument } from "../documents/documents.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findChildren } from "../store/find-children.ts";
import { markSurvivors, type SurvivorMark } from "../store/prune-checkpoints.ts";

/** Children looked for with one command. */
const BATCH_SIZE = 500;

/**
 * Marks the checkpoints that a run put after others which a rollback had discarded by then: their parents are about
 * to be removed for a reason.
 */
export async function markChildren(
  { store, hasher }: SaverContext,
  discarded: readonly Pick<DiscardedDocument, "thread_id" | "checkpoint_ns" | "checkpoint_id">[],
): Promise<void> {
  const byNamespace = Map.groupBy(discarded, ({ checkpoint_ns }) => checkpoint_ns);
  for (const [checkpointNs, own] of byNamespace) {
    for (let start = 0; start < own.length; start += BATCH_SIZE) {
      const batch = own.slice(start, start + BATCH_SIZE);
      const ids = batch.map(({ checkpoint_id }) => checkpoint_id);
      const { thread_id: threadId } = batch[0]!;
      const marks: SurvivorMark[] = [];
      for (const child of await findChildren(store, { threadId, checkpointNs }, ids)) {
        if (child.parent_hash === undefined) continue;
        const { address, epoch, hash } = readRecord(child, hasher);
        const { _id, thread_id, hash: stored, key_name: keyName } = child;
        const cut = hasher.hashCut({ address, epoch, keyName, hash });
        marks.push({ _id, thread_id, hash: stored, cut });
      }
      if (marks.length > 0) await markSurvivors(store, marks);
    }
  }
}
