import { requireKeys } from "./document-fields.ts";
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
  { checkpoints, encryption }: Pick<Store, "checkpoints" | "encryption">,
  { _id, thread_id, epoch }: Pick<CheckpointDocument, "_id" | "thread_id" | "epoch">,
  label: StoredLabel,
): Promise<"added" | "taken" | "unchanged"> {
  const [name] = await sealNames({ encryption }, { thread_id, epoch }, label.name);
  try {
    const { matchedCount } = await checkpoints.updateOne(
      {
        _id,
        thread_id,
        kind: "checkpoint",
        // The first life has no number.
        epoch: (epoch ?? null) as number,
        "labels.name": { $ne: name },
        [`labels.${MAX_LABELS - 1}`]: { $exists: false },
      },
      { $push: { labels: { ...label, name } }, $set: { labelled: true } } as object,
    );
    return matchedCount > 0 ? "added" : "unchanged";
  } catch (error) {
    if (isConflict(error)) return "taken";
    throw error;
  }
}

/** Takes a label off the checkpoint that has it. */
export async function takeLabelOff(
  { checkpoints, encryption }: Pick<Store, "checkpoints" | "encryption">,
  { _id, thread_id, epoch }: Pick<CheckpointDocument, "_id" | "thread_id" | "epoch">,
  name: string,
): Promise<void> {
  const names = await sealNames({ encryption }, { thread_id, epoch }, name);
  const labels = { name: names.length === 1 ? names[0] : { $in: names } };
  await checkpoints.updateOne({ _id, thread_id }, { $pull: { labels } });
  // Without labels, it has no entry in their index.
  await checkpoints.updateOne(
    { _id, thread_id, labels: { $size: 0 } },
    { $unset: { labels: "", labelled: "" } },
  );
}

/** The name of a label as it is stored; where documents in clear text are read, also as it was stored there. */
async function sealNames(
  { encryption }: Pick<Store, "encryption">,
  {
    thread_id: threadId,
    epoch = 0,
  }: { readonly thread_id: string; readonly epoch: number | undefined },
  name: string,
): Promise<readonly unknown[]> {
  if (encryption === undefined) return [name];
  const cipher = await encryption.keys.ensure(threadId, epoch);
  const sealed = encryption.sealer.sealLabel(cipher, name);
  return encryption.isPlainAllowed ? [sealed, name] : [sealed];
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
      kind: 1,
      checkpoint_ns: 1,
      checkpoint_id: 1,
      seq: 1,
      epoch: 1,
      labels: 1,
    })
    .toArray();
  for (const { labels = [] } of found)
    for (const label of labels) requireKeys(label.name, "labels.name");
  return found.filter(
    ({ checkpoint_ns, labels = [] }) =>
      checkpoint_ns === (checkpointNs ?? checkpoint_ns) &&
      labels.some((label) => label.name === (name ?? label.name)),
  );
}
