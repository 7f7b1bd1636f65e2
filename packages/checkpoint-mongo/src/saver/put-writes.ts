import { WRITES_IDX_MAP, type PendingWrite } from "@langchain/langgraph-checkpoint";
import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { createSegmentOfBytes, packAside } from "../codec/index.ts";
import { countRepeated, type StoredWrite } from "../documents/index.ts";
import { UnserializableStateError } from "../errors/index.ts";
import { hashAddress, hashWritesPlace, type HashedWrite } from "../integrity/hashes.ts";
import {
  hexToBytes,
  MAX_PART_BYTES,
  saveSegments,
  saveWrites,
  toPackedBinary,
  type SegmentToStore,
  type SubmitOptions,
  type ThreadState,
  type WriteSetToStore,
} from "../store/index.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { retryConflicts } from "./retry.ts";
import { listWriteSegments, readWriteSet } from "./read-writes.ts";
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
    if (typeof channel !== "string" || !channel.isWellFormed()) {
      throw new UnserializableStateError(
        inspect(channel),
        `writes[${position}][0]`,
        "a channel's name must be a string of whole Unicode characters.",
      );
    }
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
  const startedMs = Date.now();
  let left = encoded;
  for (let round = 0; left.length > 0; round += 1) {
    const sets: EncodedSet[] = [];
    for (const set of splitSets(left)) {
      sets.push(await buildSet(context, task, set, choosePlace(set, round === 0)));
    }
    const { thread, kept } = await saveSets(context, task, sets, isFirst ? onSubmitted : undefined);
    if (isSlow(startedMs)) {
      const segments = sets.flatMap((set) => set.segments);
      await saveSegments(collections, thread, segments);
    }
    left = kept ? await findMissing(context, task, left) : [];
  }
  if (settings.verifyAfterSave) {
    await verifySavedWrites(context, task.address, task.taskId);
  }
}

async function saveSets(
  context: SaverContext,
  { address, taskId }: TaskAddress,
  sets: readonly EncodedSet[],
  onSubmitted: SubmitOptions["onSubmitted"],
): Promise<{ readonly thread: ThreadState; readonly kept: boolean }> {
  return retryConflicts(
    `the writes of task ${taskId}`,
    async () => {
      const thread = await prepareThread(context, address.threadId);
      const outcome = await saveWrites(
        context.collections,
        thread,
        sets.flatMap(({ segments }) => segments),
        sets.map(({ document }) => document),
        onSubmitted,
      );
      if (outcome.kind === "saved") return { thread, kept: outcome.kept.length > 0 };
      context.cache.forgetThread(address.threadId);
      return undefined;
    },
    () =>
      lookForDamage(context, {
        address,
        segments: sets.flatMap(({ segments }) => segments),
        sets: sets.map(({ document }) => document),
      }),
  );
}

/** Where a set of writes was there already, it may have had fewer of them. */
async function findMissing(
  context: SaverContext,
  { address, taskId }: TaskAddress,
  writes: readonly HashedWrite[],
): Promise<readonly HashedWrite[]> {
  const { collections, cache } = context;
  const sets = (await findWritesOf(context, [address])).filter((set) => set.task_id === taskId);
  const wanted = { threadId: address.threadId, lines: [], bytes: listWriteSegments(sets) };
  const contents = await loadContents(collections, cache, [wanted]);
  const found: HashedWrite[] = [];
  // What is there already stays, and counts as stored by this call too: so it must be readable.
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
      stored.push({ ...write, value: { segment: hexToBytes(id) } });
    }
  }
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
    hash: await hasher.hashWriteSet({ address, taskId, taskPath, place, writes }),
    ...(settings.enableTimestamps && { upserted_at: new Date() }),
  };
  return { document, segments };
}

function isSpecial(channel: string): boolean {
  return Object.hasOwn(WRITES_IDX_MAP, channel);
}
