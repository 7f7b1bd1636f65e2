import { uuid6 } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, StoredStanding } from "../documents/documents.ts";
import { standAt } from "../put/stand-at.ts";
import { deriveStandingCode } from "../read/derive-standing-code.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import type { ChainUpdate } from "../store/chain.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { findHeads } from "../store/find-checkpoint.ts";
import { findLastInOrder } from "../store/find-last.ts";
import { countCheckpoint, isCounted } from "../store/mark-sets.ts";
import { insertAsLatest, moveAsLatest, takeMarkOff } from "../store/place-as-latest.ts";
import { readPruneMarks } from "../upkeep/pruned-parents.ts";
import { buildBlank, buildCopy } from "./build-copy.ts";
import type { Target } from "./find-target.ts";
import { hasChildren } from "./has-children.ts";
import { findInLineage, findLastingHeads, Lineage, readRoot } from "./lineage.ts";

/** How an earlier state becomes the latest. */
export interface LatestOptions {
  /**
   * Whether a checkpoint that none came after is moved to the end of the order. Otherwise, and if one came after
   * it, a copy of it is put there.
   */
  readonly mayMove: boolean;
  /** The id of the copy: the same in each round of a call, so that a round finds what an earlier one did. */
  readonly copyId: string;
  /** Whether the thread's record counts the places. */
  readonly isWitnessed: boolean;
}

/** The updates that make an earlier state the latest. */
export interface LatestPlan {
  readonly updates: readonly ChainUpdate[];
  /** What follows once those are done: until then, further checkpoints are marked as the latest. */
  readonly marksOff: readonly ChainUpdate[];
  /** The checkpoint that becomes the latest of the root graph. */
  readonly latest: CheckpointAddress;
  /** Its place. */
  readonly seq: number;
  /** The latest so far; undefined if nothing of the root graph has to change. */
  readonly formerId: string | undefined;
  /** What this process remembers of these is out of date then. */
  readonly touched: readonly CheckpointAddress[];
}

/** The id of a new checkpoint. */
export function createCopyId(): string {
  return uuid6(-1);
}

/**
 * Plans how a checkpoint of the root graph becomes the latest, and with it the states that the subgraphs which keep
 * one history had then.
 */
export async function planLatest(
  context: SaverContext,
  thread: FencedThread,
  target: Target,
  options: LatestOptions,
): Promise<LatestPlan> {
  const root = await planNamespace(context, thread, target, options);
  const { record } = target;
  const isItself = root.latest.checkpointId === record.address.checkpointId;
  const plans = [root];
  const heads = await findLastingHeads(context, thread.threadId, thread.epoch);
  if (heads.length > 0) {
    const lineage = await Lineage.trace(context, record, isItself);
    for (const head of heads) {
      const { address } = head.record;
      const state = await findInLineage(context, address, thread.epoch, lineage);
      const copyId = createCopyId();
      const own = { ...options, mayMove: true, copyId };
      // A blank one is put once: it belongs to the copy of this call.
      if (state === undefined && !(await isBlankOf(context, head, root.latest.checkpointId))) {
        plans.push(await planBlank(context, thread, address, root.latest.checkpointId, own));
      } else if (state !== undefined) {
        plans.push(await planNamespace(context, thread, state, own));
      }
    }
  }
  return {
    ...root,
    // The root graph comes last: by it, a repeated call sees what was done.
    updates: plans.toReversed().flatMap(({ updates }) => updates),
    marksOff: plans.flatMap(({ marksOff }) => marksOff),
    touched: plans.flatMap(({ touched }) => touched),
  };
}

/** Plans how a checkpoint becomes the latest of its namespace. */
async function planNamespace(
  context: SaverContext,
  thread: FencedThread,
  target: Target,
  options: LatestOptions,
): Promise<LatestPlan> {
  const { record } = target;
  const { address } = record;
  const place = await readNextPlace(context, address);
  const [head] = place.heads;
  const isDone =
    head?.checkpointId === options.copyId ||
    (head?.checkpointId === address.checkpointId && options.mayMove);
  if (head !== undefined && isDone) {
    return {
      updates: [],
      marksOff: place.heads.slice(1).map((stale) => takeMarkOff(address, stale, head.seq)),
      latest: { ...address, checkpointId: head.checkpointId },
      seq: head.seq,
      formerId: undefined,
      touched: [],
    };
  }
  const isMoved = options.mayMove && !(await hasChildren(context, target));
  const latest = isMoved ? address : { ...address, checkpointId: options.copyId };
  const update = isMoved
    ? await planMove(context, thread, target, place.seq)
    : await planCopy(context, thread, target, { latest, seq: place.seq });
  return {
    ...finish(thread, latest, place, update, { ...options, isMoved }),
    formerId: head?.checkpointId,
    touched: [address, latest],
  };
}

async function planBlank(
  context: SaverContext,
  thread: FencedThread,
  address: CheckpointAddress,
  rootId: string,
  options: LatestOptions,
): Promise<LatestPlan> {
  const place = await readNextPlace(context, address);
  const latest = { ...address, checkpointId: options.copyId };
  const { document } = await buildBlank(context, rootId, {
    thread,
    address: latest,
    seq: place.seq,
  });
  const update = insertAsLatest(thread, document, undefined);
  return {
    ...finish(thread, latest, place, update, { ...options, isMoved: false }),
    formerId: undefined,
    touched: [address],
  };
}

function finish(
  thread: FencedThread,
  latest: CheckpointAddress,
  { heads, seq }: NextPlace,
  update: ChainUpdate,
  { isWitnessed, isMoved }: LatestOptions & { readonly isMoved: boolean },
): Pick<LatestPlan, "updates" | "marksOff" | "latest" | "seq"> {
  const { checkpointNs } = latest;
  const marksOff = heads
    .filter(({ checkpointId }) => checkpointId !== latest.checkpointId)
    .map((head) => takeMarkOff(latest, head, seq));
  const counts =
    isWitnessed && isCounted(checkpointNs)
      ? [{ ...countCheckpoint(thread.state, checkpointNs, seq), mustMatch: true }]
      : [];
  return {
    updates: [update, ...(isMoved ? [] : marksOff), ...counts],
    marksOff: isMoved ? marksOff : [],
    latest,
    seq,
  };
}

async function planMove(
  context: SaverContext,
  thread: FencedThread,
  { document, record }: Target,
  seq: number,
): Promise<ChainUpdate> {
  const { hasher } = context;
  const { address, epoch } = record;
  const { key_name: keyName } = document;
  const hash = hashIn(context, document, seq);
  const { prunedThrough } = readPruneMarks(document, record, hasher);
  return moveAsLatest(thread, document, {
    seq,
    hash,
    // It goes on saying where it was when others were pruned: children of those may have been put since.
    pruned: prunedThrough === undefined ? undefined : document.pruned,
    cut: document.cut && hasher.hashCut({ address, epoch, keyName, hash }),
    stands: await standWith(context, { document, record }),
  });
}

/** The hash of a checkpoint in another place: it is computed as those of former places are. */
function hashIn({ hasher }: SaverContext, document: CheckpointDocument, seq: number): Uint8Array {
  return readRecord({ ...document, moved_from: [seq] }, hasher).formerHashes![0]!;
}

async function planCopy(
  context: SaverContext,
  thread: FencedThread,
  target: Target,
  { latest, seq }: { readonly latest: CheckpointAddress; readonly seq: number },
): Promise<ChainUpdate> {
  const { document, record } = await buildCopy(context, target, { thread, address: latest, seq });
  return insertAsLatest(thread, document, standAt(context, record));
}

/** Where the thread stands at a checkpoint that keeps its pending writes. */
async function standWith(
  context: SaverContext,
  { document, record }: Target,
): Promise<StoredStanding | undefined> {
  const stands = standAt(context, record);
  if (stands === undefined) return undefined;
  return { ...stands, code: await deriveStandingCode(context, document, record) };
}

/** The checkpoints marked as the latest of a namespace, and the place after all that is there. */
interface NextPlace {
  readonly heads: Awaited<ReturnType<typeof findHeads>>;
  readonly seq: number;
}

async function readNextPlace(
  { store }: SaverContext,
  address: CheckpointAddress,
): Promise<NextPlace> {
  const heads = await findHeads(store, address);
  const last = await findLastInOrder(store, address);
  return { heads, seq: Math.max(last?.seq ?? 0, heads[0]?.seq ?? 0) + 1 };
}

async function isBlankOf(
  context: SaverContext,
  { record }: Target,
  rootId: string,
): Promise<boolean> {
  if (record.manifest.size > 0) return false;
  return (await readRoot(context, record)) === rootId;
}
