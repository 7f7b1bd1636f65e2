import { WRITES_IDX_MAP, type PendingWrite } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { createSegmentOfBytes, pack } from "../codec/index.ts";
import { hashAddress } from "../integrity/hashes.ts";
import {
  hexToBinary,
  MAX_PART_BYTES,
  saveSegments,
  saveWrites,
  toBinary,
  toPackedBinary,
  type SegmentToStore,
  type WriteToStore,
} from "../store/index.ts";
import type { SaverContext } from "./context.ts";
import { retryConflicts } from "./retry.ts";
import { isSlow } from "./slow-save.ts";
import { prepareThread } from "./threads.ts";
import { verifySavedWrites } from "./verify-saved.ts";

/**
 * Stores what one task wrote. A write that is there already stays, unless all of them are to
 * special channels (errors, interrupts, resume values): then the later ones win.
 *
 * @throws UnserializableStateError if a value could not come back as it is; nothing was stored then
 */
export async function putWrites(
  context: SaverContext,
  address: CheckpointAddress,
  writes: readonly PendingWrite[],
  taskId: string,
): Promise<void> {
  const indexes = writes.map(([channel], position) =>
    Object.hasOwn(WRITES_IDX_MAP, channel) ? WRITES_IDX_MAP[channel]! : position,
  );
  const set = [...new Set(indexes)];
  const encoded = await Promise.all(
    writes.map((write, position) =>
      encodeWrite(context, address, write, taskId, indexes[position]!, set),
    ),
  );
  const segments = encoded.flatMap(({ segment }) => (segment === undefined ? [] : [segment]));
  const documents = encoded.map(({ document }) => document);
  const overwrite = writes.every(([channel]) => Object.hasOwn(WRITES_IDX_MAP, channel));
  const startedMs = Date.now();
  const saved = await retryConflicts(`the writes of task ${taskId}`, async () => {
    const thread = await prepareThread(context, address.threadId);
    const outcome = await saveWrites(
      context.collections,
      context.features,
      thread,
      segments,
      documents,
      overwrite,
    );
    if (outcome === "saved") return thread;
    context.cache.forgetThread(address.threadId);
    return undefined;
  });
  if (isSlow(startedMs)) {
    await saveSegments(context.collections, context.features, saved, segments);
  }
  if (context.settings.verifyAfterSave) await verifySavedWrites(context, address, taskId);
}

async function encodeWrite(
  { serializer, settings, hasher }: SaverContext,
  address: CheckpointAddress,
  [channel, value]: PendingWrite,
  taskId: string,
  index: number,
  set: readonly number[],
): Promise<{ document: WriteToStore; segment: SegmentToStore | undefined }> {
  const { type, bytes } = await serializer.encode(value, channel);
  const packed = pack(bytes);
  // A value that is too large for its document goes where segments go.
  const segment =
    packed.data.byteLength > MAX_PART_BYTES
      ? { id: createSegmentOfBytes(bytes).id, packed }
      : undefined;
  const document: WriteToStore = {
    thread_id: address.threadId,
    checkpoint_ns: address.checkpointNs,
    checkpoint_id: address.checkpointId,
    checkpoint: toBinary(hashAddress(address)),
    task_id: taskId,
    idx: index,
    ...(set.length > 1 && { set }),
    channel,
    value: segment === undefined ? toPackedBinary(packed) : { segment: hexToBinary(segment.id) },
    ...(type !== undefined && { type }),
    hash: toBinary(hasher.hashWrite({ address, taskId, index, set, channel, type, value: bytes })),
    ...(settings.enableTimestamps && { upserted_at: new Date() }),
  };
  return { document, segment };
}
