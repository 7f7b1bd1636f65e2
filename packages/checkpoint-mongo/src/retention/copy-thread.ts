import type { Document } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { listSegments } from "../documents/manifest.ts";
import { parseSegmentId, type ContentHash } from "../documents/segment-id.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asMissing } from "../errors/corruption.ts";
import { ThreadNotEmptyError } from "../errors/thread-not-empty-error.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import { hashWritesPlace } from "../integrity/hashes.ts";
import { loadContents } from "../read/contents.ts";
import { listWantedOfWrites, listWriteSegments, readWriteSet } from "../read/read-writes.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { assertHere } from "../store/away-thread.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import {
  abandonCopy,
  beginCopy,
  finishCopy,
  storeCopied,
  type CopyLife,
} from "../store/copy-life.ts";
import { toMark } from "../store/mark-sets.ts";
import { nameSetsOf } from "../store/name-sets-of.ts";
import {
  hasCheckpoint,
  listDiscarded,
  scanCheckpointIds,
  scanCheckpoints,
  scanSegments,
  scanWrites,
  type DiscardedPlace,
} from "../store/scan-thread.ts";
import { findRecord, isAlive, isOfLife } from "../store/thread-record.ts";
import { beginEntry } from "../store/write-metadata.ts";
import { chooseExpiryBy, prepareThread } from "../threads/prepare-thread.ts";
import { LateChildren } from "../upkeep/late-children.ts";
import { readPruneMarks } from "../upkeep/pruned-parents.ts";
import {
  copyCheckpoint,
  copySegment,
  copyWriteSet,
  moveAddress,
  type CopyPlace,
} from "./copy-documents.ts";

/** What was copied. */
export interface CopyThreadResult {
  /** Checkpoints of all namespaces. */
  readonly checkpoints: number;
  /** Sets of pending writes. */
  readonly writeSets: number;
  /** Bytes of the documents that were stored, about. */
  readonly bytes: number;
}

/** Documents and bytes that are stored with one command. */
const MAX_DOCUMENTS = 500;
const MAX_BYTES = 2 * 1_024 * 1_024;

/** Something of the source was removed, or the target was written to. */
class Overtaken extends Error {}

/**
 * Copies a thread. Each document is read and written once.
 *
 * @throws ThreadNotFoundError if the source is not there
 * @throws ThreadNotEmptyError if the target has checkpoints
 * @throws CorruptCheckpointError if something of the source is damaged
 * @throws WriteConflictError if others keep removing parts of the source, or write to the target meanwhile
 */
export async function copyThread(
  context: SaverContext,
  source: string,
  target: string,
): Promise<CopyThreadResult> {
  const { store, cache, deadline } = context;
  const rounds = new ChangeRounds(source, "copy", deadline);
  for (;;) {
    await rounds.begin();
    const record = await requireSource(context, source);
    const former = await requireEmpty(context, target);
    cache.forgetThread(target);
    const life = await beginCopy(store, target);
    if (life === undefined) continue;
    try {
      return await copyTo(context, record, life, former?.metadata !== undefined);
    } catch (error) {
      await abandonCopy(store, { thread_id: target, epoch: life.epoch });
      // One that was created without a checkpoint is found by searches again.
      if (former?.deleted_at === undefined && former?.stands !== undefined) {
        const { epoch } = await prepareThread(context, target);
        await beginEntry(store, target, epoch);
      }
      if (!(error instanceof Overtaken) && !(await isGone(context, record, error))) throw error;
    } finally {
      cache.forgetThread(target);
    }
  }
}

async function requireSource(
  { store, official }: SaverContext,
  threadId: string,
): Promise<ThreadDocument> {
  const record = await findRecord(store, threadId);
  if (record !== undefined) assertHere(record);
  if (record !== undefined && (await hasCheckpoints(store, threadId, record))) return record;
  throw new ThreadNotFoundError(
    threadId,
    (await official.hasThread(threadId))
      ? "The official saver has stored it: run a turn of it with this saver, or migrate it first."
      : "There is nothing to copy.",
  );
}

/** @returns its record, if it has one */
async function requireEmpty(
  { store, official }: SaverContext,
  threadId: string,
): Promise<ThreadDocument | undefined> {
  const record = await findRecord(store, threadId);
  const isTaken =
    record?.away !== undefined ||
    (await hasCheckpoints(store, threadId, record)) ||
    (await official.hasThread(threadId));
  if (isTaken) throw new ThreadNotEmptyError(threadId, "has checkpoints already");
  return record;
}

/** Whether a thread is alive and has checkpoints. */
async function hasCheckpoints(
  store: SaverContext["store"],
  threadId: string,
  record: ThreadDocument | undefined,
): Promise<boolean> {
  const isThere = record === undefined || isAlive(record, store.estimateTime());
  return isThere && (await hasCheckpoint(store, threadId, record?.epoch));
}

/** Whether what could not be read was removed meanwhile, so that it is no damage. */
async function isGone(
  { store }: SaverContext,
  { thread_id: threadId, epoch }: ThreadDocument,
  error: unknown,
): Promise<boolean> {
  if (!CorruptCheckpointError.isInstance(error)) return false;
  const record = await findRecord(store, threadId);
  if (record?.epoch !== epoch || record.deleted_at !== undefined) return true;
  const { checkpointNs, checkpointId } = error;
  if (checkpointId === undefined) return false;
  for await (const { checkpoint_id: id, checkpoint_ns: namespace } of scanCheckpointIds(
    store,
    threadId,
  )) {
    if (id === checkpointId && namespace === checkpointNs) return false;
  }
  return true;
}

async function copyTo(
  context: SaverContext,
  record: ThreadDocument,
  life: CopyLife,
  hasOwnMetadata: boolean,
): Promise<CopyThreadResult> {
  const { store } = context;
  const place: CopyPlace = { ...life, expiresAt: chooseExpiryBy(context)() };
  const writer = new CopyWriter(context, place);
  const source = new SourceThread(context, record);
  for await (const document of source.copyCheckpoints(place)) await writer.add(document);
  for await (const document of source.copyWrites(place)) await writer.add(document);
  for await (const document of source.copySegments(place)) await writer.add(document);
  await writer.flush();
  await source.requireWhole();
  await nameSetsOf(store, life, source.namedSets);
  const { newest, metadata, fields } = record;
  const { moving } = source;
  const own = newest?.[record.epoch];
  const isThere = await finishCopy(store, life, place.expiresAt, {
    ...(own && { newest: { [life.epoch]: own } }),
    ...(metadata !== undefined && !hasOwnMetadata && { metadata, ...(fields && { fields }) }),
    ...(moving.length > 0 && { moving }),
  });
  if (!isThere) throw new Overtaken();
  const { checkpoints, writeSets } = source;
  return { checkpoints, writeSets, bytes: writer.bytes };
}

/** Stores the documents of a copy, many with one command. */
class CopyWriter {
  bytes = 0;
  readonly #context: SaverContext;
  readonly #life: CopyLife;
  #waiting: Document[] = [];
  #waitingBytes = 0;

  constructor(context: SaverContext, life: CopyLife) {
    this.#context = context;
    this.#life = life;
  }

  async add(document: Document): Promise<void> {
    const bytes = measureDocument(document);
    const isFull = this.#waiting.length === MAX_DOCUMENTS || this.#waitingBytes + bytes > MAX_BYTES;
    if (isFull && this.#waiting.length > 0) await this.flush();
    this.#waiting.push(document);
    this.#waitingBytes += bytes;
    this.bytes += bytes;
  }

  async flush(): Promise<void> {
    const documents = this.#waiting;
    if (documents.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!(await storeCopied(this.#context.store, this.#life, documents))) throw new Overtaken();
  }
}

/** Goes through a thread: first its checkpoints, then their writes, then the segments that both refer to. */
class SourceThread {
  checkpoints = 0;
  writeSets = 0;
  /** What the record names of interrupts and errors that may not show yet. */
  moving: readonly string[] = [];
  /** The marks of the sets that checkpoints name, by the address of their copies. */
  readonly namedSets = new Map<
    string,
    { readonly address: CheckpointAddress; readonly marks: Uint8Array[] }
  >();
  readonly #context: SaverContext;
  readonly #record: ThreadDocument;
  readonly #copied = new Map<string, CheckpointAddress>();
  readonly #roots = new Map<ContentHash, CheckpointAddress>();
  /** Read when a parent is missed. */
  #discarded: readonly DiscardedPlace[] | undefined;

  constructor(context: SaverContext, record: ThreadDocument) {
    this.#context = context;
    this.#record = record;
  }

  async *copyCheckpoints(place: CopyPlace): AsyncGenerator<Document> {
    const { store, hasher } = this.#context;
    const hashes = new Map<string, Uint8Array>();
    const lateChildren = new LateChildren(this.#context, this.#record);
    for await (const document of scanCheckpoints(store, this.#record.thread_id)) {
      if (!isOfLife(document, this.#record)) continue;
      const record = readRecord(document, hasher);
      const { address, manifest, parentCheckpointId } = record;
      const { checkpointNs } = address;
      const parent = formatPlace({ ...address, checkpointId: parentCheckpointId ?? "" });
      const parentHash = hashes.get(parent);
      const isLost = record.parentHash !== undefined && parentHash === undefined;
      const isAccountedFor =
        !isLost ||
        readPruneMarks(document, record, hasher).isCut ||
        (await lateChildren.has(record)) ||
        (await this.#isDiscarded(checkpointNs, parentCheckpointId));
      if (!isAccountedFor) {
        const which = parentCheckpointId ?? "its parent";
        throw new CorruptCheckpointError(address, {
          document: "checkpoint",
          which,
          ...asMissing(),
        });
      }
      const { copy, hash } = copyCheckpoint(this.#context, place, {
        document,
        record,
        parentHash,
      });
      hashes.set(formatPlace(address), hash);
      this.#copied.set(formatPlace(address), address);
      if (document.sets !== undefined) {
        this.namedSets.set(formatPlace(address), {
          address: moveAddress(address, place),
          marks: [],
        });
      }
      for (const id of listSegments(manifest)) this.#refer(parseSegmentId(id).root, address);
      this.checkpoints += 1;
      yield copy;
    }
  }

  /** What rollbacks have discarded is not copied. A run may have gone on from it. */
  async #isDiscarded(checkpointNs: string, checkpointId: string | undefined): Promise<boolean> {
    this.#discarded ??= await listDiscarded(this.#context.store, this.#record.thread_id);
    return this.#discarded.some(
      (document) =>
        isOfLife(document, this.#record) &&
        document.checkpoint_ns === checkpointNs &&
        document.checkpoint_id === checkpointId,
    );
  }

  async *copyWrites(place: CopyPlace): AsyncGenerator<Document> {
    for await (const set of scanWrites(this.#context.store, this.#record.thread_id)) {
      if (!isOfLife(set, this.#record)) continue;
      const address = readAddress(set);
      // Those of a checkpoint that was put since are not copied, nor is what belongs to none.
      if (!this.#copied.has(formatPlace(address))) continue;
      const contents = await loadContents(this.#context, listWantedOfWrites([set]));
      const writes = await readWriteSet(set, contents, this.#context, address);
      for (const id of listWriteSegments([set])) this.#refer(parseSegmentId(id).root, address);
      const moved = moveAddress(address, place);
      this.namedSets
        .get(formatPlace(address))
        ?.marks.push(toMark(hashWritesPlace(moved, set.task_id, set.idx)));
      this.writeSets += 1;
      yield copyWriteSet(this.#context, place, address, set, writes);
    }
  }

  async *copySegments(place: CopyPlace): AsyncGenerator<Document> {
    const missing = new Map(this.#roots);
    for await (const part of scanSegments(this.#context.store, this.#record.thread_id)) {
      if (!isOfLife(part, this.#record) || !isBinary(part.segment)) continue;
      const root = bytesToHex(part.segment);
      if (!this.#roots.has(root)) continue;
      missing.delete(root);
      yield copySegment(place, root, part);
    }
    for (const [root, address] of missing) {
      throw new CorruptCheckpointError(address, {
        document: "segment",
        which: root,
        ...asMissing(),
      });
    }
  }

  /** @throws Overtaken if a checkpoint was removed since it was copied: its writes may be missing in the copy */
  async requireWhole(): Promise<void> {
    const { store } = this.#context;
    const { thread_id: threadId, epoch } = this.#record;
    const left = new Set(this.#copied.keys());
    for await (const document of scanCheckpointIds(store, threadId)) {
      if (isOfLife(document, this.#record)) left.delete(formatPlace(readAddress(document)));
    }
    const record = await findRecord(store, threadId);
    const isSame = record?.epoch === epoch && record.deleted_at === undefined;
    if (left.size > 0 || !isSame) throw new Overtaken();
    this.moving = [...new Set([...(this.#record.moving ?? []), ...(record.moving ?? [])])];
  }

  #refer(root: ContentHash, address: CheckpointAddress): void {
    if (!this.#roots.has(root)) this.#roots.set(root, address);
  }
}

function formatPlace({ checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}
