import type { NamespaceAddress, OpenAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { CheckpointNotFoundError } from "../errors/checkpoint-not-found-error.ts";
import { LabelNotFoundError } from "../errors/label-not-found-error.ts";
import { readRecord, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { findCheckpointOfLife } from "../store/find-checkpoint.ts";
import { findLabelled } from "../store/label-checkpoints.ts";
import { isLiving } from "../threads/lives.ts";
import { requireRecord } from "./open-history.ts";

/** A checkpoint as a call names it: by its id or a label, or by how many steps it lies before the latest. */
export type CheckpointName = string | { readonly steps: number };

/** A checkpoint that was found, verified. */
export interface Target {
  readonly document: CheckpointDocument;
  readonly record: CheckpointRecord;
}

/**
 * Finds a checkpoint, or the latest one of its namespace.
 *
 * @returns undefined if it is not there
 * @throws CorruptCheckpointError if it is damaged
 */
export async function findTarget(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  address: OpenAddress,
): Promise<Target | undefined> {
  const found = await findCheckpointOfLife(store, address);
  if (found === undefined) return undefined;
  const { document, record } = found;
  if (!(await isLiving(store, document, record))) return undefined;
  return { document, record: readRecord(document, hasher) };
}

/**
 * Finds a checkpoint that has to be there.
 *
 * @throws ThreadNotFoundError if its thread is not there
 * @throws CheckpointNotFoundError if it is not
 */
export async function requireTarget(
  context: Pick<SaverContext, "store" | "hasher">,
  address: OpenAddress,
): Promise<Target> {
  const target = await findTarget(context, address);
  if (target !== undefined) return target;
  const { threadId, checkpointNs, checkpointId } = address;
  await requireRecord(context, threadId);
  const where = checkpointNs === "" ? "" : ` in namespace "${checkpointNs}"`;
  const what = checkpointId === undefined ? "checkpoint" : `checkpoint "${checkpointId}"`;
  throw new CheckpointNotFoundError(
    threadId,
    what + where,
    "saver.list(config) gives those it has.",
  );
}

/**
 * Finds the checkpoint of the root graph that a call names. A text is taken for an id first, then for a label.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws LabelNotFoundError if no checkpoint has this id or label
 * @throws CheckpointNotFoundError if there are not so many steps
 */
export async function resolveTarget(
  context: SaverContext,
  threadId: string,
  name: CheckpointName,
): Promise<Target> {
  const root = { threadId, checkpointNs: "" };
  if (typeof name !== "string") return stepBack(context, root, name.steps);
  const byId = await findTarget(context, { ...root, checkpointId: name });
  if (byId !== undefined) return byId;
  const record = await requireRecord(context, threadId);
  const labelled = await findLabelled(context.store, threadId, { checkpointNs: "", name });
  const own = labelled.find(({ epoch = 0 }) => epoch === record.epoch);
  if (own === undefined) throw new LabelNotFoundError(threadId, name, true);
  return requireTarget(context, { ...root, checkpointId: own.checkpoint_id });
}

/** Follows the parents of the latest checkpoint. */
async function stepBack(
  context: SaverContext,
  root: NamespaceAddress,
  steps: number,
): Promise<Target> {
  let target = await requireTarget(context, { ...root, checkpointId: undefined });
  for (let step = 1; step <= steps; step += 1) {
    const { parentCheckpointId: checkpointId } = target.record;
    const parent =
      checkpointId === undefined ? undefined : await findTarget(context, { ...root, checkpointId });
    if (parent === undefined) {
      throw new CheckpointNotFoundError(
        root.threadId,
        `checkpoint ${steps} steps before the latest: it has ${step - 1}`,
        "Choose a smaller number of steps, or a checkpoint that saver.list(config) gives.",
      );
    }
    target = parent;
  }
  return target;
}
