import type { CheckpointAddress } from "../address/address.ts";
import { packAside } from "../codec/bytes/compression.ts";
import { createSegmentOfBytes } from "../codec/segments/segment.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredWrite } from "../documents/documents.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { hashAddress, hashWritesPlace, type HashedWrite } from "../integrity/hashes.ts";
import { hexToBytes } from "../driver/binary.ts";
import { toPackedBinary } from "../documents/packed-bytes.ts";
import { checkSetSize } from "./check-size.ts";
import { MAX_PART_BYTES } from "../store/save-segments.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import type { WriteSetToStore } from "../store/save-writes.ts";

/** Where a task's writes belong. */
export interface TaskAddress {
  readonly address: CheckpointAddress;
  readonly taskId: string;
  /** Where the task stands among those of its superstep; empty if that is not known. */
  readonly taskPath: string;
}

/** A set of writes, and the segments that hold those of its values that are too large for it. */
export interface BuiltSet {
  readonly document: WriteSetToStore;
  readonly segments: readonly SegmentToStore[];
}

/** Writes that are stored in one document, and its place among those of the task. */
export interface PlacedWrites {
  readonly writes: readonly HashedWrite[];
  readonly place: number;
}

/**
 * Cuts a task's writes into sets: those to ordinary channels belong together, and those to special
 * channels are replaced one by one.
 *
 * A special channel has a place of its own. What a task writes first comes in place 0, whatever its
 * positions, so that two calls with positions in common meet there; what is added comes after.
 *
 * @param isAddition whether the task has a set in place 0 already
 */
export function cutSets(
  writes: readonly HashedWrite[],
  isAddition: boolean,
): readonly PlacedWrites[] {
  const special = writes.filter(({ index }) => index < 0);
  const ordinary = writes.filter(({ index }) => index >= 0);
  const sets = special.map((write) => ({ writes: [write], place: write.index }));
  const [first] = ordinary;
  if (first === undefined) return sets;
  return [...sets, { writes: ordinary, place: isAddition ? first.index + 1 : 0 }];
}

/**
 * Makes the document of a set, for one life of its thread.
 *
 * @param calledAtMs see `called_at` of the document
 * @throws CheckpointTooLargeError if there are too many of them
 */
export async function buildSet(
  { store, hasher, settings }: SaverContext,
  { address, taskId, taskPath }: TaskAddress,
  { writes, place }: PlacedWrites,
  epoch: number,
  calledAtMs: number,
): Promise<BuiltSet> {
  const segments: SegmentToStore[] = [];
  const stored: StoredWrite[] = [];
  let bytes = 0;
  for (const { index, channel, type, value } of writes) {
    const packed = await packAside(value);
    const fits = bytes + packed.data.byteLength <= MAX_PART_BYTES;
    if (fits) bytes += packed.data.byteLength;
    const write = { idx: index, channel, ...(type !== undefined && { type }) };
    if (fits) {
      stored.push({ ...write, value: toPackedBinary(packed, store.Binary) });
    } else {
      // A value that is too large for the document goes where segments go.
      const { id } = await createSegmentOfBytes(value);
      segments.push({ id, pack: () => packed });
      const { root, length } = parseSegmentId(id);
      stored.push({ ...write, value: { segment: hexToBytes(root), length } });
    }
  }
  checkSetSize(address, taskId, stored);
  const { keyName } = hasher;
  const document: WriteSetToStore = {
    _id: hashWritesPlace(address, taskId, place),
    thread_id: address.threadId,
    kind: "writes",
    checkpoint_ns: address.checkpointNs,
    checkpoint_id: address.checkpointId,
    checkpoint: hashAddress(address),
    task_id: taskId,
    ...(taskPath !== "" && { task_path: taskPath }),
    idx: place,
    writes: stored,
    ...(keyName !== undefined && { key_name: keyName }),
    hash: await hasher.hashWriteSet({ keyName, address, epoch, taskId, taskPath, place, writes }),
    ...(place < 0 && { called_at: calledAtMs }),
    ...(settings.enableTimestamps && { upserted_at: new Date(store.estimateTime()) }),
  };
  return { document, segments };
}
