import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, StoredStanding } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { readPlace, readRecord, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { isBinary, toBytes } from "../driver/binary.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { findCheckpointOnly, findHeads } from "../store/find-checkpoint.ts";
import { bringBackOne } from "../store/discard-checkpoints.ts";
import { removeCheckpoint, removeMisplaced, replaceCheckpoint } from "../store/save-checkpoint.ts";
import type { Store } from "../store/store.ts";
import { isSoundStanding } from "../store/thread-entry.ts";
import { isSameState } from "../store/thread-record.ts";
import { isRaised } from "../records/standing.ts";
import { isInLife } from "../threads/lives.ts";
import { buildCheckpoint, type BuiltCheckpoint } from "./build-checkpoint.ts";
import type { CheckpointToPut, Draft } from "./draft.ts";
import { nameLaterSets, nameSets } from "./name-sets.ts";
import { catchUpStanding, standAt } from "./stand-at.ts";

/**
 * Stores a checkpoint where one of its id is stored already: this call repeated, or other content for
 * the id. A leftover from another life of the thread is removed.
 *
 * @param isOvertaken whether this call has stored it while the thread changed
 * @returns undefined if there is none, or something was in the way
 */
export async function saveOverExisting(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: FencedThread,
  isOvertaken: boolean,
): Promise<CheckpointRecord | undefined> {
  const { store, cache, setsSeen } = context;
  const { address } = request;
  const existing = await findCheckpointOnly(store, address);
  if (existing === undefined) {
    // A run that was under way may put once more what a rollback has discarded. The next attempt finds it.
    await bringBackOne(store, address);
    return undefined;
  }
  cache.forgetHead(address);
  if ((existing.epoch ?? 0) !== thread.epoch) {
    // Unless another life has begun since, whose checkpoint this is.
    if (await isInLife(thread)) await removeCheckpoint(store, existing);
    return undefined;
  }
  if (isOvertaken && (await isMisplaced(store, existing))) {
    // Nobody was told of it yet, so it may get another place.
    await removeMisplaced(store, existing);
    return undefined;
  }
  const { document: unnamed, record } = buildLike(context, request, draft, thread, existing);
  const stored = readIfValid(existing, context.hasher);
  const isStored = stored !== undefined && Buffer.compare(stored.hash, record.hash) === 0;
  if (isStored && isSameState(stored, thread)) return record;
  const seen = setsSeen?.recall(address, thread.epoch);
  const document = {
    ...nameSets(unnamed, seen),
    ...(stored && isCut(context, existing, stored) && { cut: hashCut(context, record, unnamed) }),
  };
  const outcome = await replaceCheckpoint(thread, document, {
    segments: draft.state.segments,
    formerEpoch: existing.epoch ?? 0,
    // Of one that loses the mark meanwhile, searches take no notice.
    stands: existing.head === true ? standStill(existing, standAt(context, record)) : undefined,
  });
  if (outcome === "conflict") return undefined;
  await nameLaterSets(thread, address, document, seen);
  await catchUpStanding(context, thread, address);
  return record;
}

/**
 * Whether a checkpoint got a place that a removal had freed: others come after it, and none of them was put as the next
 * one of it.
 */
async function isMisplaced(store: Store, existing: CheckpointDocument): Promise<boolean> {
  const { thread_id: threadId, checkpoint_ns: checkpointNs, seq, next } = existing;
  if (existing.head !== true) return next !== seq + 1;
  const [latest] = await findHeads(store, { threadId, checkpointNs });
  return latest !== undefined && latest.seq > seq;
}

/** Whether a prune has marked it: its parent is gone. */
function isCut(
  context: SaverContext,
  existing: CheckpointDocument,
  stored: CheckpointRecord,
): boolean {
  return isSameHash(existing.cut, hashCut(context, stored, existing));
}

/** The mark covers the hash, so with another content it is another one. */
function hashCut(
  { hasher }: SaverContext,
  { address, epoch, hash }: CheckpointRecord,
  { key_name: keyName }: Pick<CheckpointDocument, "key_name">,
): Uint8Array {
  return hasher.hashCut({ address, epoch, keyName, hash });
}

/** An interrupt or an error at a checkpoint stays when that gets other content. */
function standStill(
  existing: CheckpointDocument,
  stands: StoredStanding | undefined,
): StoredStanding | undefined {
  if (stands === undefined || !isSoundStanding(existing)) return stands;
  const code = existing.stands?.code ?? 0;
  return isRaised(code) ? { ...stands, code } : stands;
}

/**
 * Builds a checkpoint in the place of an existing one. If it is the same under a key that has been
 * replaced since, it keeps that key: children know it by its hash.
 */
function buildLike(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: FencedThread,
  existing: CheckpointDocument,
): BuiltCheckpoint {
  const { hasher } = context;
  const { seq } = readPlace(existing);
  const { key_name: keyName } = existing;
  if (hasher.has(keyName)) {
    const same = buildCheckpoint(context, request, draft, { thread, seq, keyName });
    if (isSameHash(existing.hash, same.record.hash)) return same;
  }
  return buildCheckpoint(context, request, draft, { thread, seq, keyName: hasher.keyName });
}

/** Damage may have put anything in the place of a stored hash. */
function isSameHash(stored: unknown, hash: Uint8Array): boolean {
  return isBinary(stored) && Buffer.compare(toBytes(stored), hash) === 0;
}

/** The stored checkpoint; undefined if it is damaged, so that it is written again. */
function readIfValid(existing: CheckpointDocument, hasher: Hasher): CheckpointRecord | undefined {
  try {
    return readRecord(existing, hasher);
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    // No put can mend this one: it would stay damaged.
    if (error.corruption.field === "_id") throw error;
    return undefined;
  }
}
