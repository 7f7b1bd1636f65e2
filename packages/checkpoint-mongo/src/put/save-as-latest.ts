import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { ConcurrentUpdateError } from "../errors/concurrent-update-error.ts";
import type { KnownHead } from "../memory/cache-room.ts";
import { readPlace, type CheckpointRecord } from "../records/checkpoint-record.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { findHeads } from "../store/find-checkpoint.ts";
import { findLastInOrder } from "../store/find-last.ts";
import type { Submission } from "../store/group-commit.ts";
import { saveCheckpoint, type SaveNewOutcome } from "../store/save-checkpoint.ts";
import { buildCheckpoint } from "./build-checkpoint.ts";
import { chooseReplaced } from "./choose-replaced.ts";
import type { CheckpointToPut, Draft } from "./draft.ts";
import { nameLaterSets, nameSets } from "./name-sets.ts";
import { catchUpStanding, standAt } from "./stand-at.ts";

/** How a new checkpoint is saved. */
export interface SaveOptions {
  /** What must come before: pending writes of the parent. */
  readonly after: readonly Submission[];
  /** Whether another writer has got in first already. */
  readonly isContended: boolean;
}

/**
 * Stores a checkpoint in the next place of its namespace, as the latest.
 *
 * @returns a conflict if something was in the way: another writer, or the thread has changed. Overtaken, if the
 *   thread has changed while the checkpoint was stored
 * @throws ConcurrentUpdateError if it is to be refused, since it does not continue the latest one
 */
export async function saveAsLatest(
  context: SaverContext,
  request: CheckpointToPut,
  draft: Draft,
  thread: FencedThread,
  { after, isContended }: SaveOptions,
): Promise<CheckpointRecord | Exclude<SaveNewOutcome, "saved">> {
  const { cache, hasher, setsSeen } = context;
  const { address } = request;
  const { epoch } = thread;
  const { removal } = thread.state;
  const known = cache.getHead(address, epoch);
  // A parent that comes after the latest known one shows that others have put since.
  const isCurrent =
    known?.removal === removal && (draft.parent?.seq ?? 0) <= (known?.latest?.seq ?? 0);
  const head =
    known !== undefined && isCurrent
      ? known
      : await readHead(context, address, { epoch, removal, isContended });
  if (request.isForkRefused && !(await doesContinue(context, request, head))) {
    // This process may not know the latest, or it is this one, and others have put theirs after it.
    if (!isContended) return "conflict";
    const { threadId, checkpointNs } = address;
    const expected = request.parentCheckpointId;
    const found = head.latest?.checkpointId;
    throw new ConcurrentUpdateError({ threadId, checkpointNs, expected, found });
  }
  const replaced = await chooseReplaced(context, request, head);
  const isParentRemoved = replaced.some(
    ({ checkpointId, isRemoved }) => isRemoved && checkpointId === draft.parentCheckpointId,
  );
  const { document: unnamed, record } = buildCheckpoint(
    context,
    request,
    isParentRemoved ? { ...draft, parentCheckpointId: undefined, parentHash: undefined } : draft,
    { thread, seq: (head.latest?.seq ?? 0) + 1, keyName: hasher.keyName },
  );
  const seen = setsSeen?.recall(address, epoch);
  const document = nameSets(unnamed, seen);
  const outcome = await saveCheckpoint(thread, document, {
    segments: draft.state.segments,
    replaced,
    after,
    isWitnessed: seen !== undefined,
    stands: standAt(context, record),
  });
  if (outcome !== "saved") return outcome;
  await nameLaterSets(thread, address, document, seen);
  const latest = { checkpointId: address.checkpointId, seq: record.seq };
  cache.setHead(address, { latest, stale: [], epoch, removal });
  await catchUpStanding(context, thread, address);
  return record;
}

async function doesContinue(
  { official }: SaverContext,
  { address, parentCheckpointId }: CheckpointToPut,
  { latest }: KnownHead,
): Promise<boolean> {
  if (latest === undefined) {
    if (parentCheckpointId === undefined) return true;
    // The parent may lie in what the official saver stored.
    return official.hasThread(address.threadId);
  }
  return latest.checkpointId === parentCheckpointId || latest.checkpointId === address.checkpointId;
}

/** What is known before the latest checkpoint is read. */
interface HeadToRead extends Pick<KnownHead, "epoch" | "removal"> {
  readonly isContended: boolean;
}

async function readHead(
  { store }: SaverContext,
  address: CheckpointAddress,
  { epoch, removal, isContended }: HeadToRead,
): Promise<KnownHead> {
  const [latest, ...stale] = await findHeads(store, address);
  if (!isContended) return { latest, stale, epoch, removal };
  // The checkpoint with the mark may have been removed, or may have lost it. The next place in the order is
  // after all that is there, or no put would ever get in.
  const last = await findLastInOrder(store, address);
  if (last === undefined) return { latest, stale, epoch, removal };
  const { checkpointId, seq } = readPlace(last);
  if (latest !== undefined && seq <= latest.seq) return { latest, stale, epoch, removal };
  return {
    latest: { checkpointId, seq },
    stale: latest === undefined ? stale : [latest, ...stale],
    epoch,
    removal,
  };
}
