import type { CheckpointDocument } from "../documents/index.ts";
import { findAncestors } from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";

/** Ancestors read with one command. */
const PAGE_SIZE = 1_000;

/** What the way back begins at. */
type Place = Pick<
  CheckpointDocument,
  "thread_id" | "checkpoint_ns" | "seq" | "parent_checkpoint_id"
>;

/** The ancestors of a checkpoint on its parent chain, nearest first, unverified. */
async function* walkParents(
  { collections }: Pick<SaverContext, "collections">,
  checkpoint: Place,
): AsyncGenerator<CheckpointDocument> {
  let parentId = checkpoint.parent_checkpoint_id;
  let place: Pick<Place, "thread_id" | "checkpoint_ns" | "seq"> = checkpoint;
  while (parentId !== undefined) {
    const page = await findAncestors(collections, place, PAGE_SIZE);
    for (const document of page) {
      // Checkpoints of other branches lie between.
      if (document.checkpoint_id !== parentId) continue;
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
  context: Pick<SaverContext, "collections" | "cache" | "hasher">,
  checkpoint: CheckpointRecord,
): AsyncGenerator<CheckpointRecord> {
  const { cache, hasher } = context;
  let last = checkpoint;
  for (let next = recallParent(context, last); next; next = recallParent(context, last)) {
    yield next;
    last = next;
  }
  const { address, seq, parentCheckpointId } = last;
  const place = {
    thread_id: address.threadId,
    checkpoint_ns: address.checkpointNs,
    seq,
    ...(parentCheckpointId !== undefined && { parent_checkpoint_id: parentCheckpointId }),
  };
  for await (const document of walkParents(context, place)) {
    const record = readRecord(document, hasher);
    cache.setRecord(record);
    yield record;
  }
}

function recallParent(
  { cache }: Pick<SaverContext, "cache">,
  { address, parentCheckpointId, parentHash }: CheckpointRecord,
): CheckpointRecord | undefined {
  if (parentCheckpointId === undefined || parentHash === undefined) return undefined;
  const parent = cache.getRecord({ ...address, checkpointId: parentCheckpointId });
  return parent !== undefined && Buffer.compare(parent.hash, parentHash) === 0 ? parent : undefined;
}
