import type { OpenAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { LabelNotFoundError } from "../errors/label-not-found-error.ts";
import { LabelTakenError } from "../errors/label-taken-error.ts";
import { disownCopy } from "../store/away-thread.ts";
import {
  addLabel,
  findLabelled,
  MAX_LABELS,
  takeLabelOff,
  type LabelledCheckpoint,
} from "../store/label-checkpoints.ts";
import { requireTarget } from "./find-target.ts";
import type { Label, LabelFilter, LabelType, NewLabel } from "./label.ts";
import { requireRecord } from "./open-history.ts";

/**
 * Gives a checkpoint a label. The same label once more changes nothing.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws CheckpointNotFoundError if the checkpoint is not
 * @throws LabelTakenError if the name is in use
 */
export async function labelCheckpoint(
  context: SaverContext,
  address: OpenAddress,
  { name, type }: NewLabel,
): Promise<Label> {
  const { store } = context;
  const { threadId, checkpointNs } = address;
  for (;;) {
    const { document, record } = await requireTarget(context, address);
    const same = document.labels?.find((label) => label.name === name);
    if (same?.type === type) return toLabel(record.address, same);
    if (same !== undefined) {
      throw new LabelTakenError(threadId, name, record.address.checkpointId);
    }
    if ((document.labels?.length ?? 0) >= MAX_LABELS) {
      throw new InvalidOptionsError(
        `Invalid options of label: checkpoint ${record.address.checkpointId} has ${MAX_LABELS} labels, and no ` +
          "checkpoint may have more. Take some off with removeLabel.",
      );
    }
    const label = { name, type, at: new Date(store.estimateTime()) };
    const outcome = await addLabel(store, document, label);
    if (outcome === "added") {
      if (await disownCopy(store, threadId, record.epoch)) return toLabel(record.address, label);
      continue;
    }
    if (outcome === "unchanged") continue;
    const holders = await findLabelled(store, threadId, { checkpointNs, name });
    const { epoch } = await requireRecord(context, threadId);
    const holder = holders.find((one) => (one.epoch ?? 0) === epoch);
    // What another life of the thread has left is about to be removed, and does not count.
    if (holder === undefined) await removeStale(context, holders, name);
    else throw new LabelTakenError(threadId, name, holder.checkpoint_id);
  }
}

async function removeStale(
  { store }: SaverContext,
  holders: readonly LabelledCheckpoint[],
  name: string,
): Promise<void> {
  for (const holder of holders) await takeLabelOff(store, holder, name);
}

/**
 * Lists the labels of a thread, by namespace, in the order of their checkpoints.
 *
 * @throws ThreadNotFoundError if the thread is not there
 */
export async function listLabels(
  context: Pick<SaverContext, "store">,
  threadId: string,
  { name, type, checkpointNs }: LabelFilter,
): Promise<readonly Label[]> {
  const { epoch } = await requireRecord(context, threadId);
  const found = await findLabelled(context.store, threadId, {
    ...(checkpointNs !== undefined && { checkpointNs }),
    name,
  });
  return found
    .filter((checkpoint) => (checkpoint.epoch ?? 0) === epoch)
    .flatMap(({ checkpoint_ns, checkpoint_id, labels = [] }) =>
      labels.map((label) =>
        toLabel({ checkpointNs: checkpoint_ns, checkpointId: checkpoint_id }, label),
      ),
    )
    .filter((label) => (name ?? label.name) === label.name && (type ?? label.type) === label.type);
}

/**
 * Takes a label off.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws LabelNotFoundError if there is no such label
 */
export async function removeLabel(
  context: Pick<SaverContext, "store">,
  threadId: string,
  name: string,
  checkpointNs: string,
): Promise<void> {
  const { store } = context;
  for (;;) {
    const { epoch } = await requireRecord(context, threadId);
    const found = await findLabelled(store, threadId, { checkpointNs, name });
    const holder = found.find((checkpoint) => (checkpoint.epoch ?? 0) === epoch);
    if (holder === undefined) throw new LabelNotFoundError(threadId, name);
    await takeLabelOff(store, holder, name);
    if (await disownCopy(store, threadId, epoch)) return;
  }
}

function toLabel(
  { checkpointNs, checkpointId }: Pick<Label, "checkpointNs" | "checkpointId">,
  { name, type, at }: { readonly name: string; readonly type: string; readonly at: Date },
): Label {
  return { name, type: type as LabelType, checkpointNs, checkpointId, createdAt: at };
}
