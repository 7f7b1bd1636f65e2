import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { Cache } from "../memory/cache.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { findAncestors } from "../store/list-checkpoints.ts";

/** Ancestors read with one command. */
const PAGE_SIZE = 1_000;

/** The place where the way back begins. */
type Place = Pick<
  CheckpointDocument,
  "thread_id" | "checkpoint_ns" | "seq" | "epoch" | "parent_checkpoint_id"
>;

/** The ancestors of a checkpoint on its parent chain, nearest first, unverified. */
async function* walkParents(
  { store }: Pick<SaverContext, "store">,
  checkpoint: Place,
): AsyncGenerator<CheckpointDocument> {
  let parentId = checkpoint.parent_checkpoint_id;
  let place: Pick<Place, "thread_id" | "checkpoint_ns" | "seq"> = checkpoint;
  while (parentId !== undefined) {
    const page = await findAncestors(store, place, PAGE_SIZE);
    for (const document of page) {
      // Checkpoints of other branches lie between, and perhaps what is left of other lives.
      const isOfLife = (document.epoch ?? 0) === (checkpoint.epoch ?? 0);
      if (document.checkpoint_id !== parentId || !isOfLife) continue;
      yield document;
      parentId = document.parent_checkpoint_id;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return;
    place = last;
  }
}

/**
 * The ancestors of a checkpoint on its parent chain, nearest first, verified. Those that this
 * process has met before are not read again: a checkpoint's hash covers its parent's, so they are
 * what they were.
 *
 * @throws CorruptCheckpointError on reaching one that is not as it was written
 */
export async function* walkRecords(
  context: Pick<SaverContext, "store" | "cache" | "hasher">,
  checkpoint: CheckpointRecord,
): AsyncGenerator<CheckpointRecord> {
  const { cache, hasher } = context;
  let last = checkpoint;
  for (const ancestor of recallAncestors(cache, checkpoint)) {
    yield ancestor;
    last = ancestor;
  }
  const { address, seq, epoch, parentCheckpointId } = last;
  const place = {
    thread_id: address.threadId,
    checkpoint_ns: address.checkpointNs,
    seq,
    epoch,
    ...(parentCheckpointId !== undefined && { parent_checkpoint_id: parentCheckpointId }),
  };
  for await (const document of walkParents(context, place)) {
    const record = readRecord(document, hasher);
    cache.setRecord(record);
    yield record;
  }
}

/** The nearest of the ancestors that {@link walkRecords} gives: those that are in memory. */
export function* recallAncestors(
  cache: Cache,
  checkpoint: CheckpointRecord,
): Generator<CheckpointRecord> {
  let next = recallParent(cache, checkpoint);
  for (; next !== undefined; next = recallParent(cache, next)) yield next;
}

function recallParent(
  cache: Cache,
  { address, epoch, parentCheckpointId, parentHash }: CheckpointRecord,
): CheckpointRecord | undefined {
  if (parentCheckpointId === undefined || parentHash === undefined) return undefined;
  const parent = cache.getRecord({ ...address, checkpointId: parentCheckpointId });
  return parent?.epoch === epoch && Buffer.compare(parent.hash, parentHash) === 0
    ? parent
    : undefined;
}
