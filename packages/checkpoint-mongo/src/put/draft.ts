import { isDeepStrictEqual } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { hashAddress } from "../integrity/hashes.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import type { EarlierWrites } from "../memory/writes-under-way.ts";
import type { ChannelSizes, CheckpointRecord } from "../records/checkpoint-record.ts";
import { isSameState, type ThreadState } from "../store/thread-record.ts";
import { unlessGone } from "../threads/lives.ts";
import { checkContentSize, checkMetadataSize, checkSize } from "./check-size.ts";
import { encodeState, type EncodedState } from "./encode-state.ts";
import { loadParent } from "./load-parent.ts";
import { measureState } from "./measure-state.ts";
import type { Snapshot, WrittenMetadata } from "./snapshot.ts";

/** What to store, and where. */
export interface CheckpointToPut {
  readonly address: CheckpointAddress;
  readonly parentCheckpointId: string | undefined;
  readonly snapshot: Snapshot;
  readonly origin: CheckpointOrigin;
  /** Whether it is refused unless it continues the latest checkpoint. */
  readonly isForkRefused: boolean;
  /** Whether nothing is stored if its state is the parent's. */
  readonly isOnlyForChanges: boolean;
  readonly writesUnderWay: EarlierWrites;
}

/** A checkpoint as it is to be stored in one life of its thread. */
export interface Draft {
  readonly epoch: number;
  /** What it builds upon. */
  readonly parent: CheckpointRecord | undefined;
  readonly parentCheckpointId: string | undefined;
  readonly parentHash: Uint8Array | undefined;
  readonly state: EncodedState;
  readonly metadata: WrittenMetadata;
  readonly origin: CheckpointOrigin;
  /** Undefined if the saver sets no limits. */
  readonly sizes: ChannelSizes | undefined;
}

/**
 * Plans a checkpoint as what it adds to its parent.
 *
 * @param thread the thread as it is now; undefined if this process does not know it yet
 * @returns undefined if what the checkpoint builds upon was removed meanwhile
 * @throws UnserializableStateError if the state or the metadata could not come back as it is
 * @throws CheckpointTooLargeError if it is over a limit of the saver
 */
export async function createDraft(
  context: SaverContext,
  request: CheckpointToPut,
  thread: ThreadState | undefined,
): Promise<Draft | undefined> {
  const { address, snapshot, origin, parentCheckpointId } = request;
  const metadata = await snapshot.metadata;
  await context.serializer.assertLoadable(metadata.encoded, "metadata");
  checkMetadataSize(address, metadata);
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
    // Nor does it become one of the run that begins with it.
    origin: (isOwnParent ? parent?.origin : undefined) ?? origin,
    ...encoded,
  };
}

/**
 * Whether a draft can be stored in a thread as it is now. After a deletion, nothing of the parent that
 * it builds upon is there any more; with another expiry, it may go before the rest.
 */
export function isDraftFor({ epoch, parent, state }: Draft, thread: ThreadState): boolean {
  const builtUpon = parent === undefined ? state.builtUpon : [parent, ...state.builtUpon];
  return epoch === thread.epoch && builtUpon.every((record) => isSameState(record, thread));
}

/** Whether the state of a draft is its parent's. */
export function isUnchanged({ parent, state }: Draft): boolean {
  const { manifest } = state;
  return (
    parent !== undefined &&
    manifest.size === parent.manifest.size &&
    // Segments are named by their contents.
    [...manifest].every(([channel, own]) => isDeepStrictEqual(own, parent.manifest.get(channel)))
  );
}

async function encodeDraft(
  context: SaverContext,
  { address, snapshot, parentCheckpointId }: CheckpointToPut,
  parent: CheckpointRecord | undefined,
  thread: ThreadState | undefined,
): Promise<Pick<Draft, "state" | "sizes">> {
  const { threadId } = address;
  const known = parent?.isPlain === true ? undefined : parent;
  const base = parentCheckpointId === undefined ? undefined : (known ?? "missing");
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

/** A parent whose thread was deleted meanwhile is not damaged, even if parts of it are missing. */
async function buildUpon<T>(
  { store, cache }: SaverContext,
  parent: CheckpointRecord,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  const { address, epoch, hash } = parent;
  const stored = { _id: hashAddress(address), thread_id: address.threadId, epoch, hash };
  const built = await unlessGone(store, stored, attempt);
  if (built !== "gone") return built;
  cache.forgetRecord(address);
  cache.forgetThread(address.threadId);
  return undefined;
}
