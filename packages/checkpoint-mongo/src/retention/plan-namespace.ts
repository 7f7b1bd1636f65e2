import { INTERRUPT, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import type { NamespaceAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { findWithWrite } from "../store/find-writes.ts";
import type { SurvivorMark } from "../store/prune-checkpoints.ts";
import { isLateChild } from "../upkeep/pruned-parents.ts";
import type { PlannedCheckpoint } from "./planned-checkpoint.ts";

/** What is removed of a namespace. */
export interface NamespacePlan {
  readonly namespace: NamespaceAddress;
  /** What is said before at checkpoints that stay, so that `verifyThread` knows what was pruned from what is lost. */
  readonly marks: readonly SurvivorMark[];
  /** The latest first, so that no child outlives its parent unless it stays. */
  readonly removedIds: readonly string[];
  /** Those among them that a rollback has discarded. */
  readonly asideIds: readonly string[];
  /** The last place in the order that is removed. */
  readonly through: number;
  /** The latest that stays; undefined if none does. */
  readonly survivor: PlannedCheckpoint | undefined;
}

/**
 * Plans the removal of all checkpoints of a namespace but those that are kept.
 *
 * @param own all of the namespace, by their places in the order, and not empty
 * @returns undefined if there are none to remove
 */
export function planNamespace(
  hasher: Hasher,
  own: readonly PlannedCheckpoint[],
  kept: ReadonlySet<PlannedCheckpoint>,
): NamespacePlan | undefined {
  const removed = own.filter((planned) => !kept.has(planned));
  const last = removed.at(-1);
  if (last === undefined) return undefined;
  const staying = own.filter((planned) => kept.has(planned));
  const survivor = staying.findLast(({ isAside }) => !isAside);
  return {
    namespace: last.address,
    marks: [
      ...listCuts(hasher, own, kept),
      ...(survivor ? [markPruned(hasher, own, last, survivor)] : []),
    ],
    removedIds: removed.map(({ address }) => address.checkpointId).toReversed(),
    asideIds: removed.filter(({ isAside }) => isAside).map(({ address }) => address.checkpointId),
    through: last.seq,
    survivor,
  };
}

/** Children that stay and whose parents do not, or have gone before. */
function* listCuts(
  hasher: Hasher,
  own: readonly PlannedCheckpoint[],
  kept: ReadonlySet<PlannedCheckpoint>,
): Generator<SurvivorMark> {
  const byId = new Map(own.map((planned) => [planned.address.checkpointId, planned]));
  for (const child of kept) {
    const { parentCheckpointId, hasParentHash, isCut } = child;
    if (parentCheckpointId === undefined || !hasParentHash || isCut) continue;
    const parent = byId.get(parentCheckpointId);
    const isPruned = parent === undefined ? isLateChild(child, own) : !kept.has(parent);
    if (isPruned) yield { ...toStored(child), cut: hasher.hashCut(child) };
  }
}

/** At the latest that stays: children of what is removed now may be put by others that still know it. */
function markPruned(
  hasher: Hasher,
  own: readonly PlannedCheckpoint[],
  last: PlannedCheckpoint,
  survivor: PlannedCheckpoint,
): SurvivorMark {
  let through = last.seq;
  for (const { prunedThrough = 0 } of own) through = Math.max(through, prunedThrough);
  return {
    ...toStored(survivor),
    pruned: { through, proof: hasher.hashPruned({ ...survivor, through }) },
  };
}

function toStored({ id, address, hash }: PlannedCheckpoint): Omit<SurvivorMark, "cut" | "pruned"> {
  return { _id: id, thread_id: address.threadId, hash };
}

/**
 * The last checkpoints of branches that wait for an answer: they have an interrupt, and no child.
 *
 * @param own all checkpoints of one namespace
 * @param among the ones that are asked for
 */
export async function findWaiting(
  { store }: Pick<SaverContext, "store">,
  own: readonly PlannedCheckpoint[],
  among: readonly PlannedCheckpoint[],
): Promise<readonly PlannedCheckpoint[]> {
  const parents = new Set(own.map(({ parentCheckpointId }) => parentCheckpointId));
  const leaves = among.filter(({ address }) => !parents.has(address.checkpointId));
  const [first] = leaves;
  if (first === undefined) return [];
  const ids = leaves.map(({ address }) => address.checkpointId);
  const waiting = await findWithWrite(store, first.address, ids, WRITES_IDX_MAP[INTERRUPT]!);
  return leaves.filter(({ address }) => waiting.has(address.checkpointId));
}
