import { WRITES_IDX_MAP, type PendingWrite } from "@langchain/langgraph-checkpoint";
import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { createSegmentOfBytes, pack } from "../codec/index.ts";
import type { StoredWrite } from "../documents/index.ts";
import { UnserializableStateError } from "../errors/index.ts";
import { hashAddress, type HashedWrite } from "../integrity/hashes.ts";
import {
  hexToBinary,
  MAX_PART_BYTES,
  saveSegments,
  saveWrites,
  toBinary,
  toPackedBinary,
  type SegmentToStore,
  type ThreadState,
  type WriteSetToStore,
} from "../store/index.ts";
import type { SaverContext } from "./context.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { retryConflicts } from "./retry.ts";
import { listStoredWrites } from "./read-writes.ts";
import { isSlow } from "./slow-save.ts";
import { prepareThread } from "./threads.ts";
import { verifySavedWrites } from "./verify-saved.ts";

/** Where a task's writes belong. */
interface TaskAddress {
  readonly address: CheckpointAddress;
  readonly taskId: string;
}

/** A set of writes, and the segments that hold those of its values that are too large for it. */
interface EncodedSet {
  readonly document: WriteSetToStore;
  readonly segments: readonly SegmentToStore[];
}

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
  const task = { address, taskId };
  const encoded = await encodeWrites(context, writes);
  const overwrite = writes.every(([channel]) => isSpecial(channel));
  const startedMs = Date.now();
  let left = encoded;
  for (let round = 0; left.length > 0; round += 1) {
    const sets = splitSets(left).map((set) =>
      buildSet(context, task, set, choosePlace(set, round === 0)),
    );
    const { thread, kept } = await saveSets(context, task, sets, overwrite);
    if (isSlow(startedMs)) {
      const segments = sets.flatMap((set) => set.segments);
      await saveSegments(context.collections, context.features, thread, segments);
    }
    left = kept ? await findMissing(context, task, left) : [];
  }
  if (context.settings.verifyAfterSave) await verifySavedWrites(context, address, taskId);
}

async function saveSets(
  context: SaverContext,
  { address, taskId }: TaskAddress,
  sets: readonly EncodedSet[],
  overwrite: boolean,
): Promise<{ readonly thread: ThreadState; readonly kept: boolean }> {
  return retryConflicts(`the writes of task ${taskId}`, async () => {
    const thread = await prepareThread(context, address.threadId);
    const outcome = await saveWrites(
      context.collections,
      context.features,
      thread,
      sets.flatMap(({ segments }) => segments),
      sets.map(({ document }) => document),
      overwrite,
    );
    if (outcome.kind === "saved") return { thread, kept: outcome.kept.length > 0 };
    context.cache.forgetThread(address.threadId);
    return undefined;
  });
}

/** Where a set of writes was there already, it may have had fewer of them. */
async function findMissing(
  context: SaverContext,
  { address, taskId }: TaskAddress,
  writes: readonly HashedWrite[],
): Promise<readonly HashedWrite[]> {
  const sets = await findWritesOf(context, [address]);
  const present = new Set(
    sets
      .filter((set) => set.task_id === taskId)
      .flatMap((set) => listStoredWrites(set).map(({ idx }) => idx)),
  );
  return writes.filter(({ index }) => !present.has(index));
}

async function encodeWrites(
  { serializer }: SaverContext,
  writes: readonly PendingWrite[],
): Promise<readonly HashedWrite[]> {
  // Of several writes to one special channel the last one counts.
  const encoded = new Map<number, HashedWrite>();
  for (const [position, [channel, value]] of writes.entries()) {
    if (typeof channel !== "string" || !channel.isWellFormed()) {
      throw new UnserializableStateError(
        inspect(channel),
        `writes[${position}][0]`,
        "a channel's name must be a string of whole Unicode characters.",
      );
    }
    const index = isSpecial(channel) ? WRITES_IDX_MAP[channel]! : position;
    const { type, bytes } = await serializer.encode(value, channel);
    encoded.set(index, { index, channel, type, value: bytes });
  }
  // A resume value is stored before the interrupt that comes after it: if the server stops in
  // between, the task asks again instead of taking the value for the next question.
  return [...encoded.values()].toSorted((a, b) => a.index - b.index);
}

/** Ordinary writes belong together; those to special channels are replaced one by one. */
function splitSets(writes: readonly HashedWrite[]): readonly (readonly HashedWrite[])[] {
  const special = writes.filter(({ index }) => index < 0).map((write) => [write]);
  const ordinary = writes.filter(({ index }) => index >= 0);
  return ordinary.length === 0 ? special : [...special, ordinary];
}

/**
 * The place of a set among those of its task: a special channel has its own; what a task writes first
 * comes in place 0, whatever its positions, so that two calls with positions in common meet there;
 * what a later call adds comes after.
 */
function choosePlace([first]: readonly HashedWrite[], isFirst: boolean): number {
  const { index } = first!;
  if (index < 0) return index;
  return isFirst ? 0 : index + 1;
}

function buildSet(
  { hasher, settings }: SaverContext,
  { address, taskId }: TaskAddress,
  writes: readonly HashedWrite[],
  place: number,
): EncodedSet {
  const segments: SegmentToStore[] = [];
  const stored: StoredWrite[] = [];
  let bytes = 0;
  for (const { index, channel, type, value } of writes) {
    const packed = pack(value);
    const fits = bytes + packed.data.byteLength <= MAX_PART_BYTES;
    if (fits) bytes += packed.data.byteLength;
    const write = { idx: index, channel, ...(type !== undefined && { type }) };
    if (fits) {
      stored.push({ ...write, value: toPackedBinary(packed) });
    } else {
      // A value that is too large for the document goes where segments go.
      const { id } = createSegmentOfBytes(value);
      segments.push({ id, pack: () => packed });
      stored.push({ ...write, value: { segment: hexToBinary(id) } });
    }
  }
  const document: WriteSetToStore = {
    thread_id: address.threadId,
    checkpoint_ns: address.checkpointNs,
    checkpoint_id: address.checkpointId,
    checkpoint: toBinary(hashAddress(address)),
    task_id: taskId,
    idx: place,
    writes: stored,
    hash: toBinary(hasher.hashWriteSet({ address, taskId, place, writes })),
    ...(settings.enableTimestamps && { upserted_at: new Date() }),
  };
  return { document, segments };
}

function isSpecial(channel: string): boolean {
  return Object.hasOwn(WRITES_IDX_MAP, channel);
}
