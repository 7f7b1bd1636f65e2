import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { type SegmentId, parseSegmentId } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asMissing } from "../errors/corruption.ts";
import { loadContents, verifySegment } from "../read/contents.ts";
import { findWritesOf } from "../read/find-writes-of.ts";
import { listWantedOfWrites, readWriteSet } from "../read/read-writes.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findCheckpointOnly } from "../store/find-checkpoint.ts";
import { findSegments } from "../store/find-segments.ts";

/**
 * Reads back a checkpoint and the segments that were stored with it.
 *
 * @throws CorruptCheckpointError if they are not as they were written
 */
export async function verifySavedCheckpoint(
  { store, hasher, settings }: SaverContext,
  address: CheckpointAddress,
  segments: readonly SegmentId[],
): Promise<void> {
  const document = await findCheckpointOnly(store, address);
  if (document === undefined) {
    throw new CorruptCheckpointError(address, {
      document: "checkpoint",
      which: address.checkpointId,
      ...asMissing("nothing", "it to exist after it was stored"),
    });
  }
  readRecord(document, hasher);
  const roots = segments.map((id) => parseSegmentId(id).root);
  const found = await findSegments(store, [address.threadId], roots);
  const byRoot = new Map(found.map((segment) => [segment.root, segment]));
  for (const id of segments) {
    const segment = byRoot.get(parseSegmentId(id).root);
    const verified = await verifySegment(id, segment, settings.maxContentBytes);
    if ("found" in verified) {
      throw new CorruptCheckpointError(address, { document: "segment", which: id, ...verified });
    }
  }
}

/**
 * Reads back what a task wrote.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function verifySavedWrites(
  context: SaverContext,
  address: CheckpointAddress,
  taskId: string,
): Promise<void> {
  const found = await findWritesOf(context, [address]);
  const sets = found.filter(({ task_id }) => task_id === taskId);
  if (sets.length === 0) {
    throw new CorruptCheckpointError(address, {
      document: "write",
      which: taskId,
      ...asMissing("nothing", "it to exist after it was stored"),
    });
  }
  const contents = await loadContents(context, listWantedOfWrites(sets));
  for (const set of sets) await readWriteSet(set, contents, context, address);
}
