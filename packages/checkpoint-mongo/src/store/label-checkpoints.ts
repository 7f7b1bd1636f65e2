import type { CheckpointDocument, StoredLabel } from "../documents/documents.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import type { NamespaceAddress } from "../address/address.ts";
import type { Store } from "./store.ts";

/** The most labels of one checkpoint: its document is read with each of them. */
export const MAX_LABELS = 100;

/**
 * Gives a checkpoint a label.
 *
 * @returns `"taken"` if the name is in use in its namespace; `"unchanged"` if the checkpoint is not there any more,
 *   has a label of this name or too many
 */
export async function addLabel(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, thread_id, epoch }: Pick<CheckpointDocument, "_id" | "thread_id" | "epoch">,
  label: StoredLabel,
): Promise<"added" | "taken" | "unchanged"> {
  try {
    const { matchedCount } = await checkpoints.updateOne(
      {
        _id,
        thread_id,
        kind: "checkpoint",
        // The first life has no number.
        epoch: (epoch ?? null) as number,
        "labels.name": { $ne: label.name },
        [`labels.${MAX_LABELS - 1}`]: { $exists: false },
      },
      { $push: { labels: label }, $set: { labelled: true } } as object,
    );
    return matchedCount > 0 ? "added" : "unchanged";
  } catch (error) {
    if (isConflict(error)) return "taken";
    throw error;
  }
}

/** Takes a label off the checkpoint that has it. */
export async function takeLabelOff(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, thread_id }: Pick<CheckpointDocument, "_id" | "thread_id">,
  name: string,
): Promise<void> {
  await checkpoints.updateOne({ _id, thread_id }, { $pull: { labels: { name } } });
  // Without labels, it has no entry in their index.
  await checkpoints.updateOne(
    { _id, thread_id, labels: { $size: 0 } },
    { $unset: { labels: "", labelled: "" } },
  );
}

/** A checkpoint with labels. */
export type LabelledCheckpoint = Pick<
  CheckpointDocument,
  "_id" | "thread_id" | "checkpoint_ns" | "checkpoint_id" | "seq" | "epoch" | "labels"
>;

/**
 * The labelled checkpoints of a thread, by namespace and order, in whichever life of it.
 *
 * @param where only of this namespace, or with this label
 */
export async function findLabelled(
  { checkpoints }: Pick<Store, "checkpoints">,
  threadId: string,
  where: Partial<Pick<NamespaceAddress, "checkpointNs">> & { readonly name?: string | undefined },
): Promise<readonly LabelledCheckpoint[]> {
  const { checkpointNs, name } = where;
  const found = await checkpoints
    // Only a checkpoint is labelled. They are few, and not every server goes by more of the index.
    .find({ thread_id: threadId, labelled: true })
    .sort({ checkpoint_ns: 1, seq: 1 })
    .project<LabelledCheckpoint>({
      thread_id: 1,
      checkpoint_ns: 1,
      checkpoint_id: 1,
      seq: 1,
      epoch: 1,
      labels: 1,
    })
    .toArray();
  return found.filter(
    ({ checkpoint_ns, labels = [] }) =>
      checkpoint_ns === (checkpointNs ?? checkpoint_ns) &&
      labels.some((label) => label.name === (name ?? label.name)),
  );
}
