import type { CheckpointAddress } from "../address/address.ts";
import { measureAtMost } from "../documents/manifest.ts";
import type { SaverContext } from "../context/context.ts";
import { watchThreadSize } from "../health/watch-thread-size.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { measureSince, takeMoment } from "../memory/elapsed.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import type { Submission } from "../store/group-commit.ts";
import { removeAppendsAlone, saveSegments } from "../store/save-segments.ts";
import type { SaveNewOutcome } from "../store/save-checkpoint.ts";
import { SLOW_SAVE_MS } from "../store/sweep-grace.ts";
import { unlessEnded } from "../threads/lives.ts";
import { prepareThread } from "../threads/prepare-thread.ts";
import { createDraft, isDraftFor, isUnchanged, type CheckpointToPut, type Draft } from "./draft.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { saveAsLatest } from "./save-as-latest.ts";
import { saveOverExisting } from "./save-over-existing.ts";
import { verifySavedCheckpoint } from "./verify-saved.ts";
import { WriteAttempts } from "./write-attempts.ts";

/**
 * Stores a checkpoint and makes it the latest of its namespace.
 *
 * @returns the checkpoint as it is stored; undefined if nothing was to be stored, since nothing has changed
 * @throws UnserializableStateError if the state or the metadata could not come back as it is
 * @throws WriteConflictError if other writers of the thread keep getting in first
 */
export async function putCheckpoint(
  context: SaverContext,
  request: CheckpointToPut,
): Promise<CheckpointRecord | undefined> {
  const { store, settings } = context;
  const { address } = request;
  const started = takeMoment();
  const saved = await saveDraft(context, request);
  if (saved === undefined) return undefined;
  const { thread, draft, record } = saved;
  const { segments } = draft.state;
  remember(context, draft, record);
  const addedBytes = measure(context, address, draft);
  if (measureSince(started) > SLOW_SAVE_MS) await saveSegments(thread, segments);
  if (settings.verifyAfterSave) {
    const ids = segments.map(({ id }) => id);
    await unlessEnded(store, { thread_id: address.threadId, epoch: thread.epoch }, () =>
      verifySavedCheckpoint(context, address, ids),
    );
  }
  await watchThreadSize(context, address.threadId, addedBytes);
  return record;
}

/** What was stored of a checkpoint, and in which state of its thread. */
interface SavedDraft {
  readonly thread: FencedThread;
  readonly draft: Draft;
  readonly record: CheckpointRecord;
}

/** Tries to store a checkpoint until nothing is in the way. */
async function saveDraft(
  context: SaverContext,
  request: CheckpointToPut,
): Promise<SavedDraft | undefined> {
  const { threadId, checkpointId } = request.address;
  const attempts = new WriteAttempts(context, threadId, `checkpoint ${checkpointId}`);
  try {
    return await saveInAttempts(context, request, attempts);
  } finally {
    await attempts.end();
  }
}

async function saveInAttempts(
  context: SaverContext,
  request: CheckpointToPut,
  attempts: WriteAttempts,
): Promise<SavedDraft | undefined> {
  const { cache } = context;
  const { address } = request;
  let isContended = false;
  let isOvertaken = false;
  let isReopened = false;
  // A thread that is not known yet is made only for what can be stored.
  const isKnown = cache.getThread(address.threadId) !== undefined;
  let earlier = isKnown ? undefined : await createDraft(context, request, undefined);
  for (;;) {
    const thread = await prepareThread(attempts.context, address.threadId, attempts.leadMs);
    const draft =
      earlier !== undefined && isDraftFor(earlier, thread)
        ? earlier
        : await createDraft(context, request, thread.state);
    if (draft !== undefined) {
      if (request.isOnlyForChanges && isUnchanged(draft)) return undefined;
      const saved = await trySave(context, request, draft, thread, { isContended, isOvertaken });
      if (typeof saved === "object") return { thread, draft, record: saved };
      cache.forgetHead(address);
      cache.forgetThread(address.threadId);
      if (saved === "unbegun" && !isReopened) {
        // It is enough to open the thread again. What is in the way besides would show then.
        isReopened = true;
        earlier = draft;
        await attempts.next(() => Promise.resolve());
        continue;
      }
      isContended = true;
      isOvertaken ||= saved === "overtaken";
    }
    const isStale = draft === undefined || (await forgetAppended(context, request, draft));
    earlier = isStale ? undefined : draft;
    const segments = draft?.state.segments ?? [];
    // This call may wait for its turn now, in which they could not be stored.
    await settleWrites(request);
    await attempts.next(() => lookForDamage(context, { address, segments }));
  }
}

/** What has happened in earlier attempts of the same call. */
interface EarlierAttempts {
  readonly isContended: boolean;
  /** Whether one of them has stored the checkpoint while the thread changed. */
  readonly isOvertaken: boolean;
}

/** @returns no record if something was in the way: another writer, or the thread has changed */
async function trySave(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: FencedThread,
  { isContended, isOvertaken }: EarlierAttempts,
): Promise<CheckpointRecord | Exclude<SaveNewOutcome, "saved">> {
  const after = await followWrites(context, request, isContended);
  // The checkpoint in the way may be this one.
  const replaced = isContended
    ? await saveOverExisting(context, request, draft, thread, isOvertaken)
    : undefined;
  return replaced ?? saveAsLatest(context, request, draft, thread, { after, isContended });
}

/**
 * Sees to it that the parent's pending writes are there once the checkpoint can be seen.
 *
 * @returns those under way that are to come before it, in the same command if need be
 */
async function followWrites(
  { settings }: SaverContext,
  request: CheckpointToPut,
  isContended: boolean,
): Promise<readonly Submission[]> {
  const { address, parentCheckpointId, writesUnderWay } = request;
  // The chains that come before may have met a conflict. And which earlier checkpoints stay may
  // be decided by pending writes.
  if (isContended || settings.persist !== "every") {
    await settleWrites(request);
    return [];
  }
  if (parentCheckpointId === undefined) return [];
  const parent = { ...address, checkpointId: parentCheckpointId };
  return writesUnderWay.listSubmitted(parent);
}

async function settleWrites({
  address,
  parentCheckpointId: checkpointId,
  writesUnderWay,
}: CheckpointToPut): Promise<void> {
  if (checkpointId !== undefined) await writesUnderWay.settle({ ...address, checkpointId });
}

/**
 * Forgets the segments that a draft appends to: another writer may have appended to them since they
 * were read, or a sweep may have removed them. They are read again for the next draft.
 *
 * @returns whether there are any
 */
async function forgetAppended(
  { store, cache }: SaverContext,
  { address: { threadId } }: CheckpointToPut,
  draft: Draft,
): Promise<boolean> {
  const names = draft.state.segments.map(({ id }) => parseSegmentId(id));
  const roots = names.filter(({ appends }) => appends > 0).map(({ root }) => root);
  if (roots.length === 0) return false;
  for (const root of roots) cache.forgetSegment(threadId, root);
  await removeAppendsAlone(store, threadId, roots);
  return true;
}

/**
 * Counts characters: bytes would have to be counted one by one.
 *
 * @returns what the checkpoint adds to its parent
 */
function measure({ health }: SaverContext, address: CheckpointAddress, draft: Draft): number {
  const { state, parent } = draft;
  let addedBytes = 0;
  for (const { lines, known } of state.segments) {
    if (lines !== undefined) for (const line of lines) addedBytes += line.length + 1;
    else if ("bytes" in known) addedBytes += known.bytes.byteLength;
  }
  const bytes = measureAtMost(state.manifest);
  health.noteCheckpoint(
    address,
    { bytes, addedBytes },
    () => parent && measureAtMost(parent.manifest),
  );
  return addedBytes;
}

function remember({ cache }: SaverContext, draft: Draft, record: CheckpointRecord): void {
  cache.setRecord(record, { isOwn: true });
  for (const { id, known } of draft.state.segments) {
    const { root } = parseSegmentId(id);
    cache.setSegment(record.address.threadId, root, known);
  }
}
