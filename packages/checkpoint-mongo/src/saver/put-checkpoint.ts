import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import { encodeCheckpointText } from "../codec/checkpoints/checkpoint-text.ts";
import { pack } from "../codec/bytes/compression.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import { hashAddress, type Hasher } from "../integrity/hashes.ts";
import { findCheckpointOnly, findHeads } from "../store/find-checkpoint.ts";
import { findLastInOrder } from "../store/find-last.ts";
import { isBinary, toBytes } from "../driver/binary.ts";
import { toPackedBinary } from "../documents/packed-bytes.ts";
import { isSameState, type ThreadState } from "../store/thread-record.ts";
import { markSetsLater } from "../store/mark-sets.ts";
import { removeBaseless, saveSegments } from "../store/save-segments.ts";
import {
  removeCheckpoint,
  replaceCheckpoint,
  saveCheckpoint,
  type CheckpointToStore,
} from "../store/save-checkpoint.ts";
import type { Submission } from "../store/group-commit.ts";
import type { KnownHead } from "./cache-room.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import { takeMoment } from "./elapsed.ts";
import { encodeState, type EncodedState } from "./encode-state.ts";
import { checkContentSize, checkSize, checkTextSize } from "./check-size.ts";
import { chooseReplaced } from "./choose-replaced.ts";
import { loadParent } from "./load-parent.ts";
import { measureState, type ChannelSizes } from "./measure-state.ts";
import { isInLife, unlessEnded, unlessGone } from "./lives.ts";
import { lookForDamage } from "./look-for-damage.ts";
import { retryConflicts } from "./retry.ts";
import { isSlow } from "./slow-save.ts";
import type { Snapshot, WrittenMetadata } from "./snapshot.ts";
import { prepareThread } from "./threads.ts";
import { verifySavedCheckpoint } from "./verify-saved.ts";
import type { WritesUnderWay } from "./writes-under-way.ts";

/** What to store, and where. */
export interface CheckpointToPut {
  readonly address: CheckpointAddress;
  readonly parentCheckpointId: string | undefined;
  readonly snapshot: Snapshot;
  readonly writesUnderWay: WritesUnderWay;
}

/** A checkpoint as it is stored in one life of its thread. */
interface Draft {
  readonly epoch: number;
  /** What it builds upon. */
  readonly parent: CheckpointRecord | undefined;
  readonly parentCheckpointId: string | undefined;
  readonly parentHash: Uint8Array | undefined;
  readonly state: EncodedState;
  readonly metadata: WrittenMetadata;
  /** Undefined if the saver sets no limits. */
  readonly sizes: ChannelSizes | undefined;
}

/**
 * Stores a checkpoint and makes it the latest of its namespace.
 *
 * @throws UnserializableStateError if the state or the metadata could not come back as it is
 * @throws WriteConflictError if other writers of the thread keep getting in first
 */
export async function putCheckpoint(
  context: SaverContext,
  request: CheckpointToPut,
): Promise<void> {
  const { collections, cache, settings } = context;
  const { address } = request;
  let draft: Draft | undefined;
  let conflicted = false;
  let tried: EncodedState["segments"] = [];
  if (cache.getThread(address.threadId) === undefined) {
    // A thread that is not known yet is made only for what can be stored.
    draft = await createDraft(context, request, undefined);
  }
  const started = takeMoment();
  const { thread, segments } = await retryConflicts(
    `checkpoint ${address.checkpointId}`,
    async () => {
      const current = await prepareThread(context, address.threadId);
      if (draft === undefined || !isFor(draft, current)) {
        draft = await createDraft(context, request, current);
        if (draft === undefined) return undefined;
      }
      tried = draft.state.segments;
      const after = await followWrites(context, request, conflicted);
      const saved =
        (conflicted ? await saveOverExisting(context, request, draft, current) : undefined) ??
        (await saveAsLatest(context, request, draft, current, { after, conflicted }));
      if (saved === undefined) {
        conflicted = true;
        cache.forgetHead(address);
        cache.forgetThread(address.threadId);
        if (await forgetAppended(context, request, draft)) draft = undefined;
        return undefined;
      }
      remember(context, draft, saved);
      return { thread: current, segments: draft.state.segments };
    },
    () => lookForDamage(context, { address, segments: tried }),
  );
  if (isSlow(started)) await saveSegments(collections, thread, segments);
  if (settings.verifyAfterSave) {
    const ids = segments.map(({ id }) => id);
    await unlessEnded(collections, { thread_id: address.threadId, epoch: thread.epoch }, () =>
      verifySavedCheckpoint(context, address, ids),
    );
  }
}

/**
 * Sees to it that the parent's pending writes are there once the checkpoint can be seen: what is on its
 * way is to come before it, in the same command if need be.
 */
async function followWrites(
  { settings }: SaverContext,
  { address, parentCheckpointId, writesUnderWay }: CheckpointToPut,
  conflicted: boolean,
): Promise<readonly Submission[]> {
  if (parentCheckpointId === undefined) return [];
  const parent = { ...address, checkpointId: parentCheckpointId };
  // What was to come before may have met a conflict, or is to be looked at before it is decided what
  // stays.
  if (!conflicted && settings.persist === "every") return writesUnderWay.listSubmitted(parent);
  await writesUnderWay.settle(parent);
  return [];
}

/**
 * Whether a draft can be stored in a thread as it is now. After a deletion, nothing of the parent that
 * it builds upon is there any more; with another expiry, it may go before the rest.
 */
function isFor({ epoch, parent, state }: Draft, thread: ThreadState): boolean {
  const builtUpon = parent === undefined ? state.builtUpon : [parent, ...state.builtUpon];
  return epoch === thread.epoch && builtUpon.every((record) => isSameState(record, thread));
}

/** @returns undefined if what the checkpoint builds upon has gone in the middle */
async function createDraft(
  context: SaverContext,
  request: CheckpointToPut,
  thread: ThreadState | undefined,
): Promise<Draft | undefined> {
  const { address, snapshot, parentCheckpointId } = request;
  const metadata = await snapshot.metadata;
  await context.serializer.assertLoadable(metadata.encoded, "metadata");
  const parent =
    parentCheckpointId === undefined
      ? undefined
      : await loadParent(context, { ...address, checkpointId: parentCheckpointId }, thread);
  const encode = () => encodeDraft(context, request, parent, thread);
  const encoded = parent === undefined ? await encode() : await buildUpon(context, parent, encode);
  if (encoded === undefined) return undefined;
  // With durability "exit", LangGraph puts the checkpoint that a run began with once more, as child
  // of itself. It stays the child of its parent.
  const isOwnParent = parentCheckpointId === address.checkpointId;
  return {
    epoch: thread?.epoch ?? parent?.epoch ?? 0,
    parent,
    parentCheckpointId: isOwnParent ? parent?.parentCheckpointId : parentCheckpointId,
    parentHash: isOwnParent ? parent?.parentHash : parent?.hash,
    metadata,
    ...encoded,
  };
}

async function encodeDraft(
  context: SaverContext,
  { address, snapshot, parentCheckpointId }: CheckpointToPut,
  parent: CheckpointRecord | undefined,
  thread: ThreadState | undefined,
): Promise<Pick<Draft, "state" | "sizes">> {
  const { threadId } = address;
  const base = parentCheckpointId === undefined ? undefined : (parent ?? "missing");
  const state = await encodeState(context, { threadId, snapshot, parent: base, thread });
  const measure = () => measureState(context, snapshot, state.manifest, base, address);
  let sizes: ChannelSizes | undefined;
  if (context.settings.onCheckpointSize !== undefined) {
    sizes = await measure();
    checkSize(context, address, sizes, parent?.sizes);
  }
  await checkContentSize(context, address, state.manifest, measure);
  return { state, sizes };
}

/** What is missing of a parent is no damage if its thread has gone: it is then looked for anew. */
async function buildUpon<T>(
  { collections, cache }: SaverContext,
  parent: CheckpointRecord,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  const { address, epoch, hash } = parent;
  const stored = { _id: hashAddress(address), thread_id: address.threadId, epoch, hash };
  const built = await unlessGone(collections, stored, attempt);
  if (built !== "gone") return built;
  cache.forgetRecord(address);
  cache.forgetThread(address.threadId);
  return undefined;
}

async function saveAsLatest(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: ThreadState,
  { after, conflicted }: { readonly after: readonly Submission[]; readonly conflicted: boolean },
): Promise<CheckpointRecord | undefined> {
  const { collections, cache } = context;
  const { epoch } = thread;
  const head =
    cache.getHead(request.address, epoch) ??
    (await readHead(context, request.address, { epoch, conflicted }));
  const replaced = await chooseReplaced(context, request, head);
  const isParentRemoved = replaced.some(
    ({ checkpointId, isRemoved }) => isRemoved && checkpointId === draft.parentCheckpointId,
  );
  const { document: unmarked, record } = build(
    context,
    request,
    isParentRemoved ? { ...draft, parentCheckpointId: undefined, parentHash: undefined } : draft,
    thread,
    (head.latest?.seq ?? 0) + 1,
    context.hasher.keyName,
  );
  const seen = context.setsSeen?.of(request.address, epoch);
  const marked = [...(seen?.sets.values() ?? [])];
  const document = marked.length === 0 ? unmarked : { ...unmarked, sets: marked };
  const outcome = await saveCheckpoint(
    collections,
    thread,
    draft.state.segments,
    document,
    replaced,
    after,
    seen !== undefined,
  );
  if (outcome === "conflict") return undefined;
  if (seen !== undefined) await markArrived(context, request.address, thread, marked.length);
  const { checkpointId } = request.address;
  cache.setHead(request.address, {
    latest: { checkpointId, seq: record.seq },
    stale: [],
    epoch,
  });
  return record;
}

/** Marks what was stored after the checkpoint's document was made and came before it all the same. */
async function markArrived(
  { collections, setsSeen }: SaverContext,
  address: CheckpointAddress,
  thread: ThreadState,
  markedCount: number,
): Promise<void> {
  const seen = setsSeen!.of(address, thread.epoch);
  seen.isPut = true;
  // Sets are never taken off it, so those that came stand last.
  const arrived = [...seen.sets.values()].slice(markedCount);
  if (arrived.length > 0) await markSetsLater(collections, thread, address, arrived);
}

/**
 * The same checkpoint may be there already: this call repeated, or another content for its id. What is
 * left over from another life of the thread is removed.
 */
async function saveOverExisting(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: ThreadState,
): Promise<CheckpointRecord | undefined> {
  const { collections, cache } = context;
  const existing = await findCheckpointOnly(collections, request.address);
  if (existing === undefined) return undefined;
  cache.forgetHead(request.address);
  if ((existing.epoch ?? 0) !== thread.epoch) {
    // Unless another life has begun since, whose checkpoint this is.
    if (await isInLife(collections, thread)) await removeCheckpoint(collections, existing);
    return undefined;
  }
  const { document: unmarked, record } = buildLike(context, request, draft, thread, existing);
  const stored = readIfValid(existing, context.hasher);
  const isStored = stored !== undefined && Buffer.compare(stored.hash, record.hash) === 0;
  if (isStored && isSameState(stored, thread)) return record;
  const seen = context.setsSeen?.of(request.address, thread.epoch);
  const marked = [...(seen?.sets.values() ?? [])];
  const outcome = await replaceCheckpoint(
    collections,
    thread,
    draft.state.segments,
    marked.length === 0 ? unmarked : { ...unmarked, sets: marked },
    existing.epoch ?? 0,
  );
  if (outcome !== "saved") return undefined;
  if (seen !== undefined) await markArrived(context, request.address, thread, marked.length);
  return record;
}

/**
 * The same again is the same again under a key that has been replaced since: children know it by its
 * hash.
 */
function buildLike(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: ThreadState,
  existing: CheckpointDocument,
): { document: CheckpointToStore; record: CheckpointRecord } {
  const { seq } = placeOf(existing);
  const { key_name: keyName } = existing;
  if (context.hasher.has(keyName)) {
    const same = build(context, request, draft, thread, seq, keyName);
    if (isSameHash(existing.hash, same.record.hash)) return same;
  }
  return build(context, request, draft, thread, seq, context.hasher.keyName);
}

/** Damage may have put anything in the place of a stored hash. */
function isSameHash(stored: unknown, hash: Uint8Array): boolean {
  return isBinary(stored) && Buffer.compare(toBytes(stored), hash) === 0;
}

/** What is stored, unless it is damaged: then it is written anew. */
function readIfValid(existing: CheckpointDocument, hasher: Hasher): CheckpointRecord | undefined {
  try {
    return readRecord(existing, hasher);
  } catch (error) {
    // What no put can mend would be damaged as before.
    const field = CorruptCheckpointError.isInstance(error) ? error.corruption.field : undefined;
    if (!CorruptCheckpointError.isInstance(error) || field === "_id") throw error;
    return undefined;
  }
}

async function readHead(
  { collections }: SaverContext,
  address: CheckpointAddress,
  { epoch, conflicted }: { readonly epoch: number; readonly conflicted: boolean },
): Promise<KnownHead> {
  const [latest, ...stale] = await findHeads(collections, address);
  if (!conflicted) return { latest, stale, epoch };
  // The mark may have gone with the checkpoint that had it, or from it. The next place in the order is
  // after all that is there, or no put would ever get in.
  const last = await findLastInOrder(collections, address);
  if (last === undefined) return { latest, stale, epoch };
  const { checkpointId, seq } = placeOf(last);
  if (latest !== undefined && seq <= latest.seq) return { latest, stale, epoch };
  return {
    latest: { checkpointId, seq },
    stale: latest === undefined ? stale : [latest, ...stale],
    epoch,
  };
}

/** @throws CorruptCheckpointError if a checkpoint has no place in the order */
function placeOf(document: CheckpointDocument): { checkpointId: string; seq: number } {
  const { checkpointId } = readAddress(document);
  const seq: unknown = document.seq;
  if (Number.isSafeInteger(seq) && (seq as number) > 0) return { checkpointId, seq: seq as number };
  throw new CorruptCheckpointError(readAddress(document), {
    document: "checkpoint",
    which: checkpointId,
    ...asWrongField({
      field: "seq",
      expected: "a whole number from 1",
      found: inspect(seq, { depth: 0 }),
    }),
  });
}

function build(
  { collections, settings, hasher }: SaverContext,
  { address, snapshot }: CheckpointToPut,
  draft: Draft,
  thread: ThreadState,
  seq: number,
  keyName: string | undefined,
): { document: CheckpointToStore; record: CheckpointRecord } {
  const { parentCheckpointId, parentHash, metadata } = draft;
  const { text, segments } = encodeCheckpointText(snapshot.headerText, draft.state.manifest);
  const body = Buffer.from(text);
  checkTextSize(address, body.byteLength);
  const hash = hasher.hashCheckpoint({
    keyName,
    address,
    epoch: thread.epoch,
    parentCheckpointId,
    parentHash,
    order: seq,
    body,
    segments,
    metadataType: metadata.encoded.type,
    metadata: metadata.encoded.bytes,
  });
  const document: CheckpointToStore = {
    _id: hashAddress(address),
    thread_id: address.threadId,
    kind: "checkpoint",
    checkpoint_ns: address.checkpointNs,
    checkpoint_id: address.checkpointId,
    ...(parentCheckpointId !== undefined && { parent_checkpoint_id: parentCheckpointId }),
    seq,
    body: toPackedBinary(pack(body), collections.Binary),
    segments,
    ...storeMetadata(metadata),
    ...(parentHash !== undefined && { parent_hash: parentHash }),
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
    ...(settings.enableTimestamps && { upserted_at: new Date(collections.clock.nowMs()) }),
  };
  const record: CheckpointRecord = {
    address,
    parentCheckpointId,
    seq,
    epoch: thread.epoch,
    expiresAt: thread.expiresAt,
    header: snapshot.header,
    manifest: draft.state.manifest,
    metadata: metadata.encoded,
    parentHash,
    hash,
    sizes: draft.sizes,
  };
  return { document, record };
}

function storeMetadata({
  encoded: { type, bytes },
  searchable,
  isAll,
}: WrittenMetadata): Pick<CheckpointToStore, "metadata" | "metadata_encoded"> {
  if (type !== undefined) return { metadata_encoded: { type, data: bytes } };
  return {
    ...(searchable !== undefined && { metadata: searchable }),
    ...(!isAll && { metadata_encoded: Buffer.from(bytes).toString() }),
  };
}

/**
 * Forgets the segments that a draft appends to: another writer may have appended to them since they
 * were read, or they have gone. They are read again for the next draft.
 *
 * @returns whether there are any
 */
async function forgetAppended(
  { collections, cache }: SaverContext,
  { address: { threadId } }: CheckpointToPut,
  draft: Draft,
): Promise<boolean> {
  const names = draft.state.segments.map(({ id }) => parseSegmentId(id));
  const roots = names.filter(({ appends }) => appends > 0).map(({ root }) => root);
  if (roots.length === 0) return false;
  for (const root of roots) cache.forgetSegment(threadId, root);
  await removeBaseless(collections, threadId, roots);
  return true;
}

function remember({ cache }: SaverContext, draft: Draft, record: CheckpointRecord): void {
  cache.setRecord(record, { isOwn: true });
  for (const { id, known } of draft.state.segments) {
    const { root } = parseSegmentId(id);
    cache.setSegment(record.address.threadId, root, known);
  }
}
