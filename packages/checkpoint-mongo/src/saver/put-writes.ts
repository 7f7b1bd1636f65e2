import { WRITES_IDX_MAP, type PendingWrite } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { createSegmentOfBytes } from "../codec/segments/segment.ts";
import { packAside } from "../codec/bytes/compression.ts";
import { countRepeated } from "../documents/pending-writes.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import type { StoredWrite, WriteSetDocument } from "../documents/documents.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import { hashAddress, hashWritesPlace, type HashedWrite } from "../integrity/hashes.ts";
import { hexToBytes } from "../driver/binary.ts";
import { toPackedBinary } from "../documents/packed-bytes.ts";
import { markSetsLater, toMark } from "../store/mark-sets.ts";
import { MAX_PART_BYTES, saveSegments } from "../store/save-segments.ts";
import { removeWriteSets, saveWrites, type WriteSetToStore } from "../store/save-writes.ts";
import type { SubmitOptions } from "../store/write-fenced.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { checkChannelName } from "./check-channel-name.ts";
import { checkWritesSize } from "./check-size.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { takeMoment } from "./elapsed.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { isInLife, unlessEnded } from "./lives.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { retryConflicts } from "./retry.ts";
import { listWantedOfWrites, readWriteSet } from "./read-writes.ts";
import type { Serializer } from "./serializer.ts";
import { isSlow } from "./slow-save.ts";
import { prepareThread } from "./threads.ts";
import { quiet, type Awaitable, type TypedBytes } from "./value-writer.ts";
import { verifySavedWrites } from "./verify-saved.ts";

/** Where a task's writes belong. */
export interface TaskAddress {
  readonly address: CheckpointAddress;
  readonly taskId: string;
  /** Where the task stands among those of its superstep; empty if that is not known. */
  readonly taskPath: string;
}

/** What was stored of what a task wrote, and in which life of the thread. */
interface SavedSets {
  readonly thread: ThreadState;
  /** Whether there was something already in the place of a set, which stayed. */
  readonly kept: boolean;
  readonly sets: readonly EncodedSet[];
}

/** A set of writes, and the segments that hold those of its values that are too large for it. */
interface EncodedSet {
  readonly document: WriteSetToStore;
  readonly segments: readonly SegmentToStore[];
}

/**
 * Encodes what one task wrote, each value as it is now: before anything is awaited.
 *
 * @throws UnserializableStateError if a value could not come back as it is
 */
export function takeWrites(
  serializer: Serializer,
  writes: readonly PendingWrite[],
): () => Promise<readonly HashedWrite[]> {
  const writer = serializer.createWriter();
  // Of several writes to one special channel the last one counts.
  const taken = new Map<number, { channel: string; value: Awaitable<TypedBytes> }>();
  for (const [position, [channel, value]] of writes.entries()) {
    checkChannelName(channel, `writes[${position}][0]`);
    const index = isSpecial(channel) ? WRITES_IDX_MAP[channel]! : position;
    taken.set(index, { channel, value: quiet(writer.writeValue(value, channel)) });
  }
  // A resume value is stored before the interrupt that comes after it: if the server stops in
  // between, the task asks again instead of taking the value for the next question.
  const sorted = [...taken].toSorted(([a], [b]) => a - b);
  return async () => {
    const encoded: HashedWrite[] = [];
    for (const [index, { channel, value }] of sorted) {
      const { type, bytes } = await value;
      await serializer.assertLoadable({ type, bytes }, channel);
      encoded.push({ index, channel, type, value: bytes });
    }
    return encoded;
  };
}

/**
 * Stores what one task wrote. A write to an ordinary channel that is there already stays; of those
 * to special channels (errors, interrupts, resume values) the later ones win.
 *
 * @param encoded ordered by index
 * @throws CheckpointTooLargeError if they could not be read again, since they are over
 *   `maxContentBytes`; nothing was stored
 * @param onSubmitted is called as soon as a child of the checkpoint can be sent to come after them
 *
 * @throws CorruptCheckpointError if what the task wrote before is damaged and would stay
 */
export async function putWrites(
  context: SaverContext,
  task: TaskAddress,
  encoded: readonly HashedWrite[],
  onSubmitted: NonNullable<SubmitOptions["onSubmitted"]>,
): Promise<void> {
  const { cache, collections, settings } = context;
  // Of what a task wrote later, some may have to be stored in a further round.
  const isFirst = cache.noteTask(task.address, task.taskId);
  const started = takeMoment();
  let left = encoded;
  let epoch = 0;
  for (let round = 0; left.length > 0; round += 1) {
    const parts = splitSets(left);
    for (const part of parts) {
      checkWritesSize(task.address, task.taskId, part, settings.maxContentBytes);
    }
    const places = parts.map((part) => choosePlace(part, round === 0));
    const build = async (life: number) => {
      const sets: EncodedSet[] = [];
      for (const [index, part] of parts.entries()) {
        sets.push(await buildSet(context, task, part, places[index]!, life));
      }
      return sets;
    };
    const saved = await saveSets(context, task, build, isFirst ? onSubmitted : undefined);
    const { thread, kept, sets } = saved;
    if (isSlow(started)) {
      const segments = sets.flatMap((set) => set.segments);
      await saveSegments(collections, thread, segments);
    }
    ({ epoch } = thread);
    if (!kept) break;
    const stored = await findSetsOf(context, task);
    const foreign = stored.filter((set) => (set.epoch ?? 0) !== epoch);
    if (foreign.length === 0) {
      left = await findMissing(context, task.address, stored, left);
    } else {
      // What another life of the thread has left is in the way, or another one has begun since.
      if (await isInLife(collections, thread)) await removeWriteSets(collections, foreign);
      else cache.forgetThread(task.address.threadId);
      round = -1;
    }
  }
  if (settings.verifyAfterSave) {
    await unlessEnded(collections, { thread_id: task.address.threadId, epoch }, () =>
      verifySavedWrites(context, task.address, task.taskId),
    );
  }
}

async function saveSets(
  context: SaverContext,
  { address, taskId }: TaskAddress,
  build: (epoch: number) => Promise<readonly EncodedSet[]>,
  onSubmitted: SubmitOptions["onSubmitted"],
): Promise<SavedSets> {
  const { setsSeen } = context;
  let built: { readonly epoch: number; readonly sets: readonly EncodedSet[] } | undefined;
  return retryConflicts(
    `the writes of task ${taskId}`,
    async () => {
      const thread = await prepareThread(context, address.threadId);
      const { epoch } = thread;
      if (built?.epoch !== epoch) built = { epoch, sets: await build(epoch) };
      const { sets } = built;
      const wasPut = setsSeen?.of(address, epoch).isPut;
      const outcome = await saveWrites(
        context.collections,
        thread,
        sets.flatMap(({ segments }) => segments),
        sets.map(({ document }) => document),
        setsSeen && address,
        onSubmitted,
      );
      if (outcome.kind === "saved") {
        if (wasPut !== undefined) await noteSets(context, address, thread, sets, wasPut);
        return { thread, kept: outcome.kept.length > 0, sets };
      }
      context.cache.forgetThread(address.threadId);
      return undefined;
    },
    () =>
      lookForDamage(context, {
        address,
        segments: built?.sets.flatMap(({ segments }) => segments) ?? [],
        sets: built?.sets.map(({ document }) => document) ?? [],
      }),
  );
}

/**
 * Remembers what is stored, for a put of the checkpoint. If it was put while the sets were on their way,
 * they may have come before it, and are marked now.
 */
async function noteSets(
  { collections, setsSeen }: SaverContext,
  address: CheckpointAddress,
  thread: ThreadState,
  sets: readonly EncodedSet[],
  wasPut: boolean,
): Promise<void> {
  const seen = setsSeen!.of(address, thread.epoch);
  const marks = sets.map(({ document }) => toMark(document._id));
  for (const mark of marks) seen.sets.set(Buffer.from(mark).toString("hex"), mark);
  if (!wasPut && seen.isPut) await markSetsLater(collections, thread, address, marks);
}

/** All that is stored of what a task wrote. */
async function findSetsOf(
  context: SaverContext,
  { address, taskId }: TaskAddress,
): Promise<readonly WriteSetDocument[]> {
  const sets = await findWritesOf(context, [address]);
  return sets.filter((set) => set.task_id === taskId);
}

/**
 * Where a set of writes was there already, it may have had fewer of them.
 *
 * @throws CorruptCheckpointError if one is damaged: what is there already stays, and counts as stored by
 *   this call too, so it must be readable
 */
async function findMissing(
  context: SaverContext,
  address: CheckpointAddress,
  sets: readonly WriteSetDocument[],
  writes: readonly HashedWrite[],
): Promise<readonly HashedWrite[]> {
  const contents = await loadContents(context, listWantedOfWrites(sets));
  const found: HashedWrite[] = [];
  for (const set of sets) found.push(...(await readWriteSet(set, contents, context, address)));
  const stored = found.filter(({ index }) => index >= 0).toSorted((a, b) => a.index - b.index);
  const ordinary = writes.filter(({ index }) => index >= 0);
  const present = new Set(stored.map(({ index }) => index));
  return ordinary
    .slice(countRepeated(stored, ordinary, isSameWrite))
    .filter(({ index }) => !present.has(index));
}

function isSameWrite(stored: HashedWrite, write: HashedWrite): boolean {
  return (
    write.channel === stored.channel &&
    write.type === stored.type &&
    Buffer.compare(write.value, stored.value) === 0
  );
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

async function buildSet(
  { collections, hasher, settings }: SaverContext,
  { address, taskId, taskPath }: TaskAddress,
  writes: readonly HashedWrite[],
  place: number,
  epoch: number,
): Promise<EncodedSet> {
  const segments: SegmentToStore[] = [];
  const stored: StoredWrite[] = [];
  let bytes = 0;
  for (const { index, channel, type, value } of writes) {
    const packed = await packAside(value);
    const fits = bytes + packed.data.byteLength <= MAX_PART_BYTES;
    if (fits) bytes += packed.data.byteLength;
    const write = { idx: index, channel, ...(type !== undefined && { type }) };
    if (fits) {
      stored.push({ ...write, value: toPackedBinary(packed, collections.Binary) });
    } else {
      // A value that is too large for the document goes where segments go.
      const { id } = await createSegmentOfBytes(value);
      segments.push({ id, pack: () => packed });
      const { root, length } = parseSegmentId(id);
      stored.push({ ...write, value: { segment: hexToBytes(root), length } });
    }
  }
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
    ...(settings.enableTimestamps && { upserted_at: new Date(collections.clock.nowMs()) }),
  };
  return { document, segments };
}

function isSpecial(channel: string): boolean {
  return Object.hasOwn(WRITES_IDX_MAP, channel);
}
