import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { readAddress } from "../address/read-address.ts";
import type { CheckpointAddress } from "../address/address.ts";
import { readOrigin } from "../address/read-origin.ts";
import { bringIn, type ThreadPartDocument } from "../archive/arrive.ts";
import { readDocuments } from "../archive/write-archive.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { MigrationMismatchError } from "../errors/migration-mismatch-error.ts";
import { WritesUnderWay } from "../memory/writes-under-way.ts";
import type { OfficialStep } from "../migration/official-collections.ts";
import { checkChannelLength } from "../put/check-channel-name.ts";
import { completeCheckpoint } from "../put/complete-checkpoint.ts";
import { putCheckpoint } from "../put/put-checkpoint.ts";
import { putWrites } from "../put/put-writes.ts";
import { Snapshot } from "../put/snapshot.ts";
import { takeWrites } from "../put/take-writes.ts";
import { getTuple } from "../read/get-tuple.ts";
import { clearForArrival } from "../store/arriving-thread.ts";
import { ConflictDeadline } from "../store/conflict-rounds.ts";
import { oneOf } from "../store/one-of.ts";
import { findRecord, findRecords, isOfLife } from "../store/thread-record.ts";
import { addBelow } from "./add-below.ts";
import { findDifference } from "./compare-tuples.ts";

/** What became of a thread of the official saver. */
export type ThreadOutcome =
  /** It was moved. */
  | "migrated"
  /** It had been moved before. */
  | "there"
  /** This saver has gone on with it: what is older is read in place. */
  | "continued";

/** What has to be done with a thread: nothing of it is here, or all, or a part. */
export type ThreadState = "fresh" | Exclude<ThreadOutcome, "migrated">;

/** What has to be done with threads, by their ids. */
export async function lookAt(
  { store, official }: SaverContext,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, ThreadState>> {
  const records = await findRecords(store, threadIds);
  const isHere = (threadId: string): boolean => {
    const record = records.get(threadId);
    return record !== undefined && (record.deleted_at === undefined || record.away !== undefined);
  };
  const known = threadIds.filter(isHere);
  const there = new Set<string>();
  if (known.length > 0) {
    const own = store.checkpoints
      .find({ thread_id: oneOf(known), kind: "checkpoint" })
      .project<PlacedDocument>({ thread_id: 1, checkpoint_ns: 1, checkpoint_id: 1, epoch: 1 });
    for await (const document of own) {
      const place = readAddress(document);
      if (isOfLife(document, records.get(place.threadId))) there.add(formatPlace(place));
    }
  }
  const originals = Map.groupBy(await official.listPlaces(known), ({ threadId }) => threadId);
  const isComplete = (threadId: string): boolean =>
    (originals.get(threadId) ?? []).every((place) => there.has(formatPlace(place)));
  return new Map(
    threadIds.map((threadId): [string, ThreadState] => {
      if (!isHere(threadId)) return [threadId, "fresh"];
      return [threadId, isComplete(threadId) ? "there" : "continued"];
    }),
  );
}

type PlacedDocument = Pick<
  CheckpointDocument,
  "thread_id" | "checkpoint_ns" | "checkpoint_id" | "epoch"
>;

/** What a thread is moved with. */
export interface Moving {
  readonly main: SaverContext;
  /** Where it is put together. */
  readonly scratch: SaverContext;
  readonly threadId: string;
  /** Of this call of `migrate`. */
  readonly runId: string;
  /** Is called after each checkpoint. */
  readonly onCheckpoint: () => void;
}

/**
 * Moves a thread: puts it together in the scratch collection, reads each checkpoint from there and compares it with
 * its original, and then brings it in. If nothing of the thread is here, it comes in as a whole. Otherwise what is
 * older than the rest is added below it: until all of that is here, it is read in place as before.
 *
 * @throws MigrationMismatchError if one does not read the same
 */
export async function migrateThread(moving: Moving, state: ThreadState): Promise<ThreadOutcome> {
  const { main, scratch, threadId, runId, onCheckpoint } = moving;
  const { retry } = main.settings;
  const scratchId = `${runId}:${threadId}`;
  try {
    let createdMs = Infinity;
    for await (const step of main.official.walk(threadId)) {
      const began = { ...scratch, deadline: new ConflictDeadline(retry.deadlineMs) };
      await putStep(began, step, scratchId);
      createdMs = Math.min(createdMs, Date.parse(step.tuple.checkpoint.ts) || Infinity);
      onCheckpoint();
    }
    const record = await findRecord(scratch.store, scratchId);
    if (record === undefined) return "there";
    const context = { ...main, deadline: new ConflictDeadline(retry.deadlineMs) };
    const documents = withoutStanding(readDocuments(scratch, record));
    if (state !== "fresh") {
      await addBelow(context, threadId, documents);
      return "migrated";
    }
    return await bringInFresh(context, threadId, documents, createdMs);
  } finally {
    await scratch.store.all.deleteMany({ thread_id: scratchId });
    await scratch.store.encryption?.keys.remove(scratchId, Infinity);
    scratch.cache.forgetThread(scratchId);
  }
}

async function bringInFresh(
  context: SaverContext,
  threadId: string,
  documents: AsyncIterable<ThreadPartDocument>,
  createdMs: number,
): Promise<ThreadOutcome> {
  const record = await clearForArrival(context.store, threadId, context.deadline);
  if (record === "occupied") return "continued";
  const entry = { ...(Number.isFinite(createdMs) && { created_at: new Date(createdMs) }) };
  // Each checkpoint was read back from the scratch collection.
  const options = { isVerified: false };
  const outcome = await bringIn(context, record, documents, entry, options);
  return outcome === "overtaken" ? "continued" : "migrated";
}

/** Compares a thread that was moved with its originals, each checkpoint as both savers read it. */
export async function findMismatch(
  context: SaverContext,
  threadId: string,
): Promise<string | undefined> {
  for await (const { tuple } of context.official.walk(threadId)) {
    const migrated = await getTuple(context, addressOf(tuple));
    const difference = findDifference(tuple, migrated, { mayHaveMore: true });
    if (difference !== undefined) return difference;
  }
  return undefined;
}

async function putStep(
  context: SaverContext,
  { tuple, writes }: OfficialStep,
  scratchId: string,
): Promise<void> {
  const { cache, serializer, settings } = context;
  const original = addressOf(tuple);
  const address = { ...original, threadId: scratchId };
  const checkpoint = completeCheckpoint(tuple.checkpoint);
  for (const channel of Object.keys(checkpoint.channel_values)) {
    checkChannelLength(channel, "checkpoint.channel_values");
  }
  const parentCheckpointId = tuple.parentConfig?.configurable?.["checkpoint_id"] as
    | string
    | undefined;
  const { metadata } = tuple;
  const request = { address, parentCheckpointId, checkpoint, metadata, newVersions: undefined };
  const snapshot = new Snapshot({ cache, serializer }, request);
  const writesUnderWay = new WritesUnderWay();
  const origin = readOrigin(tuple.config, metadata, settings.indexedConfig);
  await putCheckpoint(context, {
    address,
    parentCheckpointId,
    snapshot,
    origin,
    writesUnderWay,
    isForkRefused: false,
    isOnlyForChanges: false,
  });
  for (const [taskId, own] of Map.groupBy(writes, (write) => write.taskId)) {
    const sorted = own.toSorted((a, b) => a.index - b.index);
    const pending = sorted.map(({ channel, value }): [string, unknown] => [channel, value]);
    const encoded = await takeWrites(serializer, pending)();
    await putWrites(context, { address, taskId, taskPath: "" }, encoded, () => undefined);
  }
  const read = await getTuple(context, address);
  const difference = findDifference(tuple, read, { mayHaveMore: false });
  if (difference !== undefined) throw new MigrationMismatchError(original.threadId, difference);
}

/** Where the thread stands, and since when, is told by its checkpoints, and not by the time of the migration. */
async function* withoutStanding(
  documents: AsyncIterable<ThreadPartDocument>,
): AsyncGenerator<ThreadPartDocument> {
  for await (const part of documents) {
    if (part.kind !== "checkpoint") {
      yield part;
      continue;
    }
    const { stands: _now, ...document } = part.document;
    yield { ...part, document };
  }
}

function addressOf({ config }: CheckpointTuple): CheckpointAddress {
  const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable as Record<string, string>;
  return {
    threadId: thread_id!,
    checkpointNs: checkpoint_ns!,
    checkpointId: checkpoint_id!,
  };
}

function formatPlace({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId]);
}
