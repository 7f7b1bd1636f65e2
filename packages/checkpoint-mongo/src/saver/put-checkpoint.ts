import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { encodeCheckpointText, pack } from "../codec/index.ts";
import { parseSegmentId, type CheckpointDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import { hashAddress, type Hasher } from "../integrity/hashes.ts";
import {
  findCheckpointOnly,
  findHeads,
  findLastInOrder,
  isSameState,
  removeBaseless,
  replaceCheckpoint,
  saveCheckpoint,
  saveSegments,
  toPackedBinary,
  type CheckpointToStore,
  type Submission,
  type ThreadState,
} from "../store/index.ts";
import type { KnownHead } from "./cache.ts";
import { readAddress, readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import { encodeState, type EncodedState } from "./encode-state.ts";
import { checkSize } from "./check-size.ts";
import { chooseReplaced } from "./choose-replaced.ts";
import { loadParent } from "./load-parent.ts";
import { measureState, type ChannelSizes } from "./measure-state.ts";
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
  const startedMs = Date.now();
  const { thread, segments } = await retryConflicts(
    `checkpoint ${address.checkpointId}`,
    async () => {
      const current = await prepareThread(context, address.threadId);
      if (draft === undefined || !isFor(draft, current)) {
        draft = await createDraft(context, request, current);
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
  if (isSlow(startedMs)) await saveSegments(collections, thread, segments);
  if (settings.verifyAfterSave) {
    const ids = segments.map(({ id }) => id);
    await verifySavedCheckpoint(context, address, ids);
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
function isFor({ epoch, parent }: Draft, thread: ThreadState): boolean {
  return epoch === thread.epoch && (parent === undefined || isSameState(parent, thread));
}

async function createDraft(
  context: SaverContext,
  request: CheckpointToPut,
  thread: ThreadState | undefined,
): Promise<Draft> {
  const { address, snapshot, parentCheckpointId } = request;
  const metadata = await snapshot.metadata;
  await context.serializer.assertLoadable(metadata.encoded, "metadata");
  const parent =
    parentCheckpointId === undefined
      ? undefined
      : await loadParent(context, { ...address, checkpointId: parentCheckpointId }, thread);
  const { threadId } = address;
  const base = parentCheckpointId === undefined ? undefined : (parent ?? "missing");
  const state = await encodeState(context, { threadId, snapshot, parent: base });
  let sizes: ChannelSizes | undefined;
  if (context.settings.onCheckpointSize !== undefined) {
    sizes = await measureState(context, snapshot, state.manifest, base, threadId);
    checkSize(context, address, sizes, parent?.sizes);
  }
  // With durability "exit", LangGraph puts the checkpoint that a run began with once more, as child
  // of itself. It stays the child of its parent.
  const isOwnParent = parentCheckpointId === address.checkpointId;
  return {
    epoch: thread?.epoch ?? parent?.epoch ?? 0,
    parent,
    parentCheckpointId: isOwnParent ? parent?.parentCheckpointId : parentCheckpointId,
    parentHash: isOwnParent ? parent?.parentHash : parent?.hash,
    state,
    metadata,
    sizes,
  };
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
  const { document, record } = build(
    context,
    request,
    isParentRemoved ? { ...draft, parentCheckpointId: undefined, parentHash: undefined } : draft,
    thread,
    (head.latest?.seq ?? 0) + 1,
  );
  const outcome = await saveCheckpoint(
    collections,
    thread,
    draft.state.segments,
    document,
    replaced,
    after,
  );
  if (outcome === "conflict") return undefined;
  const { checkpointId } = request.address;
  cache.setHead(request.address, {
    latest: { checkpointId, seq: record.seq },
    stale: [],
    epoch,
  });
  return record;
}

/**
 * The same checkpoint may be there already: this call repeated, another content for its id, or left
 * over from an earlier life of the thread.
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
  const { document, record } = build(context, request, draft, thread, placeOf(existing).seq);
  const stored = readIfValid(existing, context.hasher);
  const isStored = stored !== undefined && Buffer.compare(stored.hash, record.hash) === 0;
  if (isStored && isSameState(stored, thread)) return record;
  const outcome = await replaceCheckpoint(collections, thread, draft.state.segments, document);
  return outcome === "saved" ? record : undefined;
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
    field: "seq",
    expected: "a whole number from 1",
    found: inspect(seq, { depth: 0 }),
  });
}

function build(
  { collections, settings, hasher }: SaverContext,
  { address, snapshot }: CheckpointToPut,
  draft: Draft,
  thread: ThreadState,
  seq: number,
): { document: CheckpointToStore; record: CheckpointRecord } {
  const { parentCheckpointId, parentHash, metadata } = draft;
  const { text, segments } = encodeCheckpointText(snapshot.headerText, draft.state.manifest);
  const body = Buffer.from(text);
  const hash = hasher.hashCheckpoint({
    address,
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
    hash,
    ...(settings.enableTimestamps && { upserted_at: new Date() }),
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
