import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { WriteSetDocument } from "../documents/documents.ts";
import { countRepeated } from "../documents/pending-writes.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import { measureSince, takeMoment } from "../memory/elapsed.ts";
import { loadContents } from "../read/contents.ts";
import { findWritesOf } from "../read/find-writes-of.ts";
import { listWantedOfWrites, readWriteSet } from "../read/read-writes.ts";
import type { FencedThread, SubmitOptions } from "../store/fenced-thread.ts";
import { markSetsLater, toMark } from "../store/mark-sets.ts";
import { saveSegments } from "../store/save-segments.ts";
import { findLatestCall, removeWriteSets, saveWrites } from "../store/save-writes.ts";
import { SLOW_SAVE_MS } from "../store/sweep-grace.ts";
import { isInLife, unlessEnded } from "../threads/lives.ts";
import { prepareThread } from "../threads/prepare-thread.ts";
import {
  buildSet,
  cutSets,
  type BuiltSet,
  type PlacedWrites,
  type TaskAddress,
} from "./build-write-set.ts";
import { checkWritesSize } from "./check-size.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { noteStanding, standByWrites } from "./stand-at.ts";
import { verifySavedWrites } from "./verify-saved.ts";
import { WriteAttempts } from "./write-attempts.ts";

/**
 * Stores what one task wrote. A write to an ordinary channel that is there already stays; of those
 * to special channels (errors, interrupts, resume values) the later ones win.
 *
 * @param encoded ordered by index
 * @param onSubmitted is called as soon as a child of the checkpoint can be sent to come after them
 * @throws CheckpointTooLargeError if they could not be read again, since they are over
 *   `maxContentBytes`; nothing was stored
 * @throws CorruptCheckpointError if what the task wrote before is damaged and would stay
 */
export async function putWrites(
  context: SaverContext,
  task: TaskAddress,
  encoded: readonly HashedWrite[],
  onSubmitted: NonNullable<SubmitOptions["onSubmitted"]>,
): Promise<void> {
  const { threadId } = task.address;
  const attempts = new WriteAttempts(context, threadId, `the writes of task ${task.taskId}`);
  let epoch: number;
  try {
    epoch = await saveAll(context, task, encoded, onSubmitted, attempts);
  } finally {
    await attempts.end();
  }
  if (context.settings.verifyAfterSave) {
    await unlessEnded(context.store, { thread_id: threadId, epoch }, () =>
      verifySavedWrites(context, task.address, task.taskId),
    );
  }
}

/** @returns the life of the thread that they are stored in */
async function saveAll(
  context: SaverContext,
  task: TaskAddress,
  encoded: readonly HashedWrite[],
  onSubmitted: NonNullable<SubmitOptions["onSubmitted"]>,
  attempts: WriteAttempts,
): Promise<number> {
  const { cache, store, settings } = context;
  const { address, taskId } = task;
  // Of what a task wrote later, some may have to be stored in a further round.
  const isFirst = cache.noteTask(address, taskId);
  const started = takeMoment();
  let left = encoded;
  let isAddition = false;
  let epoch = 0;
  while (left.length > 0) {
    const placed = cutSets(left, isAddition);
    for (const { writes } of placed) {
      checkWritesSize(address, taskId, writes, settings.maxContentBytes);
    }
    const saved = await saveSets(
      context,
      task,
      placed,
      attempts,
      isFirst ? onSubmitted : undefined,
    );
    const { thread, sets } = saved;
    ({ epoch } = thread);
    if (measureSince(started) > SLOW_SAVE_MS) {
      const segments = sets.flatMap((set) => set.segments);
      await saveSegments(thread, segments);
    }
    if (!saved.hasKept) break;
    const stored = await findSetsOf(context, task);
    const ofOtherLives = stored.filter((set) => (set.epoch ?? 0) !== epoch);
    if (ofOtherLives.length === 0) {
      left = await findMissing(context, address, stored, left);
      isAddition = true;
    } else {
      // What another life of the thread has left is in the way, or another one has begun since.
      if (await isInLife(thread)) await removeWriteSets(store, ofOtherLives);
      else cache.forgetThread(address.threadId);
      left = encoded;
      isAddition = false;
    }
    if (left.length > 0) await lookBeforeNext(context, task, sets, attempts);
  }
  return epoch;
}

/** What was stored of what a task wrote, and in which state of its thread. */
interface SavedSets {
  readonly thread: FencedThread;
  readonly sets: readonly BuiltSet[];
  /** Whether there was something already in the place of a set, which stayed. */
  readonly hasKept: boolean;
}

/** Tries to store sets until nothing is in the way. */
async function saveSets(
  context: SaverContext,
  task: TaskAddress,
  placed: readonly PlacedWrites[],
  attempts: WriteAttempts,
  onSubmitted: SubmitOptions["onSubmitted"],
): Promise<SavedSets> {
  const { cache, setsSeen } = context;
  const { address } = task;
  let sets: readonly BuiltSet[] = [];
  let builtFor: number | undefined;
  let calledAtMs = context.store.estimateTime();
  for (;;) {
    const thread = await prepareThread(attempts.context, address.threadId, attempts.leadMs);
    if (builtFor !== thread.epoch) {
      sets = await buildSets(context, task, placed, { epoch: thread.epoch, calledAtMs });
      builtFor = thread.epoch;
    }
    const segments = sets.flatMap((set) => set.segments);
    const documents = sets.map(({ document }) => document);
    const move = standByWrites(context, address, thread.epoch, documents);
    const wasPut = setsSeen?.recall(address, thread.epoch).isPut ?? false;
    const outcome = await saveWrites(thread, documents, {
      segments,
      namedBy: setsSeen && address,
      onSubmitted,
      move,
    });
    if (outcome.kind === "saved") {
      await noteSets(context, address, thread, sets, wasPut);
      await noteStanding(context, thread, move);
      return { thread, sets, hasKept: outcome.kept.length > 0 };
    }
    cache.forgetThread(address.threadId);
    await lookBeforeNext(context, task, sets, attempts);
    // Another call may have been made by a clock that is a little ahead. This one comes after it.
    const othersMs = await findLatestCall(context.store, documents);
    if (othersMs > calledAtMs) {
      calledAtMs = othersMs + 1;
      builtFor = undefined;
    }
  }
}

function lookBeforeNext(
  context: SaverContext,
  { address }: TaskAddress,
  sets: readonly BuiltSet[],
  attempts: WriteAttempts,
): Promise<void> {
  const segments = sets.flatMap((set) => set.segments);
  const documents = sets.map(({ document }) => document);
  return attempts.next(() => lookForDamage(context, { address, segments, sets: documents }));
}

async function buildSets(
  context: SaverContext,
  task: TaskAddress,
  placed: readonly PlacedWrites[],
  { epoch, calledAtMs }: { readonly epoch: number; readonly calledAtMs: number },
): Promise<readonly BuiltSet[]> {
  const sets: BuiltSet[] = [];
  for (const one of placed) sets.push(await buildSet(context, task, one, epoch, calledAtMs));
  return sets;
}

/**
 * Remembers what is stored, for a put of the checkpoint; only with the option `witness`.
 *
 * @param wasPut whether the checkpoint had been put before the sets were sent. If it was put since,
 *   the sets may have come before it, and are named in it now
 */
async function noteSets(
  { setsSeen }: SaverContext,
  address: CheckpointAddress,
  thread: FencedThread,
  sets: readonly BuiltSet[],
  wasPut: boolean,
): Promise<void> {
  if (setsSeen === undefined) return;
  const seen = setsSeen.recall(address, thread.epoch);
  const marks = sets.map(({ document }) => toMark(document._id));
  for (const mark of marks) seen.sets.set(Buffer.from(mark).toString("hex"), mark);
  if (!wasPut && seen.isPut) await markSetsLater(thread, address, marks);
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
 * Finds the writes that are not stored yet: where a set of them was there already, it may have had
 * fewer.
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
