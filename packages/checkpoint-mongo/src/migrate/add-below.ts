import {
  rebindCheckpoint,
  rebindSegment,
  rebindWriteSet,
  type NewPlace,
} from "../archive/rebind.ts";
import type { ThreadPartDocument } from "../archive/arrive.ts";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  SegmentDocument,
  StoredStanding,
  WriteSetDocument,
} from "../documents/documents.ts";
import { bytesToHex, toBytes, type StoredBytes } from "../driver/binary.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { MigrationMismatchError } from "../errors/migration-mismatch-error.ts";
import { listWriteSegments } from "../read/read-writes.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { raiseBy, readStanding, toCode } from "../records/standing.ts";
import type { ChainUpdate } from "../store/chain.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { oneOf } from "../store/one-of.ts";
import type { Store } from "../store/store.ts";
import { prepareThread } from "../threads/prepare-thread.ts";

// A thread that this saver has gone on with begins with a child of a checkpoint that only the official saver has
// stored. Its older checkpoints are added in places before the first one, which counts from 1: the last of them
// gets place 0. Each reads the same here and there, and a list shows it once. So it does not matter when the
// process dies: what is here already stays, and the rest is read in place. What the saver has stored itself, such
// as further pending writes of these checkpoints, is never replaced.

/** Updates and bytes of one command. */
const MAX_UPDATES = 200;
const MAX_BYTES = 2 * 1_024 * 1_024;

type StoredDocument = CheckpointDocument | SegmentDocument | WriteSetDocument;

/** The documents of a thread, by kind. */
interface Parts {
  readonly checkpoints: CheckpointDocument[];
  readonly writes: WriteSetDocument[];
  readonly segments: SegmentDocument[];
}

/**
 * Adds older checkpoints to a thread that is here.
 *
 * @throws MigrationMismatchError if something of them is here and not the same
 * @throws WriteConflictError if others keep changing the thread
 */
export async function addBelow(
  context: SaverContext,
  threadId: string,
  documents: AsyncIterable<ThreadPartDocument>,
): Promise<void> {
  const parts = await collect(documents);
  const rounds = new ChangeRounds(threadId, "open", context.deadline);
  for (;;) {
    await rounds.begin();
    const thread = await prepareThread(context, threadId);
    if (await add(context, thread, parts)) return;
    context.cache.forgetThread(threadId);
  }
}

/** @returns whether the thread has stayed as it was */
async function add(context: SaverContext, thread: FencedThread, parts: Parts): Promise<boolean> {
  const { threadId, epoch: life, expiresAt } = thread;
  const place = { threadId, life, expiresAt };
  // Each is there before what refers to it.
  const segments = parts.segments.map((document) => rebindSegment(document, place));
  await refuseAppended(context.store, threadId, segments);
  if (!(await insert(thread, segments))) return false;
  const writes: WriteSetDocument[] = [];
  for (const document of parts.writes) writes.push(await rebindWriteSet(context, document, place));
  await refuseOtherWrites(context.store, threadId, writes);
  if (!(await insert(thread, writes))) return false;
  return insert(thread, await rebindBelow(context, parts, place));
}

/** A checkpoint of the thread that is here. */
type Stored = Pick<CheckpointDocument, "_id" | "checkpoint_ns" | "seq" | "hash" | "head">;

/**
 * Gives checkpoints the places up to 0, in each namespace. They come by namespace and order.
 *
 * @returns those that are the latest of a namespace first: from then on, it is not read in place
 */
async function rebindBelow(
  context: SaverContext,
  { checkpoints, writes }: Parts,
  place: NewPlace,
): Promise<CheckpointDocument[]> {
  const stored = await findStored(context.store, place);
  const marked = new Set<string>();
  for (const { head, checkpoint_ns: namespace } of stored.values()) {
    if (head === true) marked.add(namespace);
  }
  const latest: CheckpointDocument[] = [];
  const others: CheckpointDocument[] = [];
  const byNamespace = Map.groupBy(checkpoints, ({ checkpoint_ns: namespace }) => namespace);
  for (const [namespace, own] of byNamespace) {
    const hashes = new Map<string, Uint8Array>();
    for (const [index, document] of own.entries()) {
      const { sets: _ofScratch, next: _next, ...rest } = document;
      const seq = index + 1 - own.length;
      const isLatest = seq === 0 && !marked.has(namespace);
      const isRoot = namespace === "" && isLatest;
      const stands = isRoot ? { stands: readStands(context, document, writes) } : {};
      const parentHash = hashes.get(document.parent_checkpoint_id ?? "");
      const options = { parentHash, seq, isLatest };
      const rebound = rebindCheckpoint(context, { ...rest, ...stands }, place, options);
      const there = stored.get(bytesToHex(rebound._id));
      // One that the saver itself has put again stands behind its children.
      if (there === undefined) hashes.set(document.checkpoint_id, toBytes(rebound.hash));
      else if (there.seq <= 0) hashes.set(document.checkpoint_id, toBytes(there.hash));
      if (there === undefined) (isLatest ? latest : others).push(rebound);
    }
  }
  return [...latest, ...others];
}

async function findStored(
  { checkpoints }: Store,
  { threadId, life }: NewPlace,
): Promise<ReadonlyMap<string, Stored>> {
  const found = await checkpoints
    .find({ thread_id: threadId, kind: "checkpoint", epoch: (life === 0 ? null : life) as number })
    .project<Stored>({ checkpoint_ns: 1, seq: 1, hash: 1, head: 1 })
    .toArray();
  return new Map(found.map((document) => [bytesToHex(document._id), document]));
}

/** Where the thread stands at its latest checkpoint. */
function readStands(
  { hasher }: SaverContext,
  document: CheckpointDocument,
  writes: readonly WriteSetDocument[],
): StoredStanding {
  const record = readRecord(document, hasher);
  const own = writes.filter(
    (set) => set.checkpoint_ns === "" && set.checkpoint_id === document.checkpoint_id,
  );
  const code = toCode(raiseBy(own.map(({ idx }) => idx)) ?? readStanding(record));
  return { code, at: new Date(Date.parse(record.header.ts) || 0) };
}

/** Inserts what is not there, and changes nothing that is. */
async function insert(
  thread: FencedThread,
  documents: readonly StoredDocument[],
): Promise<boolean> {
  let updates: ChainUpdate[] = [];
  let bytes = 0;
  // Its record no longer says where the thread stands.
  const isFirst = documents.some((document) => "stands" in document);
  const flush = async (): Promise<boolean> => {
    const { kind } = await thread.write(updates, { isFirst });
    updates = [];
    bytes = 0;
    return kind === "done";
  };
  for (const document of documents) {
    updates.push(toInsertion(document));
    bytes += measureDocument(document);
    const isFull = updates.length === MAX_UPDATES || bytes >= MAX_BYTES;
    if (isFull && !(await flush())) return false;
  }
  return updates.length === 0 || flush();
}

/** A segment is found by its name: where that is encrypted, its `_id` is made of the encrypted one. */
function toInsertion(document: StoredDocument): ChainUpdate {
  if (document.kind === "segment") {
    const { thread_id, kind, segment, part, ...content } = document;
    const filter = { thread_id, kind, segment, part };
    return { filter, update: { $setOnInsert: content }, upsert: true };
  }
  const { _id, thread_id, ...content } = document;
  return { filter: { _id, thread_id }, update: { $setOnInsert: content }, upsert: true };
}

/** A segment that began alike here, and was then continued otherwise, cannot hold both. */
async function refuseAppended(
  { segments, encryption }: Store,
  threadId: string,
  added: readonly SegmentDocument[],
): Promise<void> {
  const appended = new Map(
    added.filter(({ appends }) => appends > 0).map((one) => [bytesToHex(one.segment), one]),
  );
  if (appended.size === 0) return;
  const roots = Array.from(appended.values(), ({ segment }) => toBytes(segment));
  const names = (await encryption?.listNames([threadId], roots)) ?? roots;
  const there = segments.find({
    thread_id: threadId,
    kind: "segment",
    segment: oneOf<StoredBytes>(names),
  });
  for await (const document of there) {
    const own = appended.get(bytesToHex(document.segment))!;
    if (document.part > 0 || isContinued(document, own)) continue;
    throw new MigrationMismatchError(
      threadId,
      `segment ${bytesToHex(document.segment)} is here with other content`,
    );
  }
}

/** Whether a stored segment holds all that was appended to the other one, and maybe more. */
function isContinued(stored: SegmentDocument, { more = [] }: SegmentDocument): boolean {
  return more.every((part, index) => {
    const other = stored.more?.[index];
    return other !== undefined && Buffer.compare(toBytes(part), toBytes(other)) === 0;
  });
}

/** The saver may have stored writes of the same task. Those to special channels are later ones, and count. */
async function refuseOtherWrites(
  { writes }: Store,
  threadId: string,
  added: readonly WriteSetDocument[],
): Promise<void> {
  const ordinary = new Map(
    added.filter(({ idx }) => idx >= 0).map((set) => [bytesToHex(set._id), set]),
  );
  if (ordinary.size === 0) return;
  const pointers = Array.from(ordinary.values(), ({ checkpoint }) => checkpoint);
  const there = writes.find({
    checkpoint: { $in: pointers },
    thread_id: threadId,
    kind: "writes",
  });
  for await (const document of there) {
    const own = ordinary.get(bytesToHex(document._id));
    if (own === undefined) continue;
    if (Buffer.compare(toBytes(own.hash), toBytes(document.hash)) === 0) continue;
    throw new MigrationMismatchError(
      threadId,
      `the writes of task ${own.task_id} to checkpoint ${own.checkpoint_id} are here with other content`,
    );
  }
}

async function collect(documents: AsyncIterable<ThreadPartDocument>): Promise<Parts> {
  const parts: Parts = { checkpoints: [], writes: [], segments: [] };
  for await (const part of documents) {
    if (part.kind === "checkpoint") parts.checkpoints.push(part.document);
    else if (part.kind === "writes") parts.writes.push(part.document);
    else if (part.kind === "segment") parts.segments.push(part.document);
  }
  // Those whose values lie in segments are read when these are there.
  parts.writes.sort((a, b) => listWriteSegments([a]).length - listWriteSegments([b]).length);
  return parts;
}
