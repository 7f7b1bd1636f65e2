import { INTERRUPT, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import type { SaverContext } from "../context/context.ts";
import type { Manifest } from "../documents/manifest.ts";
import { PruneRefusedError } from "../errors/prune-refused-error.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { hasWrite } from "../store/find-writes.ts";
import { listRollbacks } from "../store/rollback-entries.ts";
import { scanCheckpoints } from "../store/scan-thread.ts";
import { findRecord, isOfLife } from "../store/thread-record.ts";
import type { KeepingStrategy } from "./prune-options.ts";

/** What pruning needs to know of a checkpoint. */
interface PlannedCheckpoint {
  readonly address: CheckpointAddress;
  readonly seq: number;
  readonly parentCheckpointId: string | undefined;
  readonly writtenAtMs: number;
  readonly channels: ReadonlySet<string>;
  /** The ancestors that it cannot be read without. */
  readonly needs: Needs;
}

/**
 * Which ancestors a checkpoint needs: none, its parent, those back to where each of some channels is stored,
 * or all.
 */
type Needs = "none" | "parent" | "all" | ReadonlySet<string>;

/** The checkpoints of a thread that are removed. */
export interface PrunePlan {
  readonly threadId: string;
  readonly epoch: number;
  /** The latest of each namespace first, so that no child outlives its parent unless it stays. */
  readonly removed: readonly CheckpointAddress[];
}

/**
 * Decides which checkpoints of a thread go. What stays can be read and gone on from as before: the ancestors of
 * which a delta channel's value is made stay too.
 *
 * @returns undefined if nothing of the thread is there
 * @throws PruneRefusedError if a branch that waits for an answer would go
 * @throws CorruptCheckpointError if a checkpoint is damaged
 */
export async function planPrune(
  context: SaverContext,
  threadId: string,
  strategy: KeepingStrategy,
  discardsWaiting: boolean,
): Promise<PrunePlan | undefined> {
  const { store } = context;
  const record = await findRecord(store, threadId);
  if (record === undefined || record.deleted_at !== undefined) return undefined;
  const namespaces = new Map<string, PlannedCheckpoint[]>();
  for await (const document of scanCheckpoints(store, threadId)) {
    if (!isOfLife(document, record)) continue;
    const planned = await toPlanned(context, readRecord(document, context.hasher));
    const { checkpointNs } = planned.address;
    const own = namespaces.get(checkpointNs) ?? [];
    namespaces.set(checkpointNs, own);
    own.push(planned);
  }
  const nowMs = store.estimateTime();
  const backups = new Set(listRollbacks(record, nowMs).map(({ from }) => from));
  const removed: PlannedCheckpoint[] = [];
  for (const [checkpointNs, own] of namespaces) {
    const isBackup = ({ address }: PlannedCheckpoint) =>
      checkpointNs === "" && backups.has(address.checkpointId);
    const chosen = [...chooseKept(own, strategy, nowMs), ...own.filter(isBackup)];
    const kept = addNeeded(own, chosen);
    removed.push(...own.filter((planned) => !kept.has(planned)).toReversed());
    if (!discardsWaiting) await refuseWaiting(context, own, kept);
  }
  return { threadId, epoch: record.epoch, removed: removed.map(({ address }) => address) };
}

async function toPlanned(
  context: SaverContext,
  record: ReturnType<typeof readRecord>,
): Promise<PlannedCheckpoint> {
  const { address, seq, parentCheckpointId, header, manifest } = record;
  const metadata = await decodeMetadata(record, context);
  const channels = new Set(manifest.keys());
  return {
    address,
    seq,
    parentCheckpointId,
    writtenAtMs: Date.parse(header.ts),
    channels,
    needs: header.v < 4 ? "parent" : listNeeds(metadata, manifest),
  };
}

/**
 * A delta channel that a checkpoint does not store is made of what was written since it was stored. LangGraph
 * counts the steps since then, and leaves out the channels that a checkpoint stores.
 */
function listNeeds(metadata: unknown, stored: Manifest): Needs {
  if (!isPlainObject(metadata)) return "none";
  const counters = metadata["counters_since_delta_snapshot"];
  if (isPlainObject(counters)) {
    return new Set(Object.keys(counters).filter((channel) => !stored.has(channel)));
  }
  if (!Object.hasOwn(metadata, "delta_writes_versioned")) return "none";
  const hasSnapshot = Array.from(stored.values()).some(
    (channel) => "slices" in channel && channel.wrapper === "delta",
  );
  return hasSnapshot ? "none" : "all";
}

/** @param own by their places in the order, and not empty */
function chooseKept(
  own: readonly PlannedCheckpoint[],
  strategy: KeepingStrategy,
  nowMs: number,
): readonly PlannedCheckpoint[] {
  if (strategy.name === "keep_last") return own.slice(-strategy.count);
  const latest = own.slice(-1);
  if (strategy.name === "keep_latest") return latest;
  const sinceMs = nowMs - strategy.seconds * 1_000;
  // A time that cannot be read is no reason to remove anything.
  return [...own.filter(({ writtenAtMs }) => !(writtenAtMs < sinceMs)), ...latest];
}

/** What stays needs ancestors, and these need theirs. */
function addNeeded(
  own: readonly PlannedCheckpoint[],
  chosen: readonly PlannedCheckpoint[],
): ReadonlySet<PlannedCheckpoint> {
  const byId = new Map(own.map((planned) => [planned.address.checkpointId, planned]));
  const kept = new Set<PlannedCheckpoint>();
  const waiting = [...chosen];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (kept.has(next)) continue;
    kept.add(next);
    waiting.push(...listNeeded(next, byId));
  }
  return kept;
}

function* listNeeded(
  planned: PlannedCheckpoint,
  byId: ReadonlyMap<string, PlannedCheckpoint>,
): Generator<PlannedCheckpoint> {
  const { needs } = planned;
  const open = typeof needs === "string" ? undefined : new Set(needs);
  if (needs === "none" || open?.size === 0) return;
  const seen = new Set<PlannedCheckpoint>();
  let ancestor = byId.get(planned.parentCheckpointId ?? "");
  while (ancestor !== undefined && !seen.has(ancestor)) {
    seen.add(ancestor);
    yield ancestor;
    if (needs === "parent") return;
    for (const channel of ancestor.channels) open?.delete(channel);
    if (open?.size === 0) return;
    ancestor = byId.get(ancestor.parentCheckpointId ?? "");
  }
}

/** A branch waits where its last checkpoint has an interrupt that nothing came after. */
async function refuseWaiting(
  { store }: SaverContext,
  own: readonly PlannedCheckpoint[],
  kept: ReadonlySet<PlannedCheckpoint>,
): Promise<void> {
  const parents = new Set(own.map(({ parentCheckpointId }) => parentCheckpointId));
  for (const planned of own) {
    const { address } = planned;
    if (kept.has(planned) || parents.has(address.checkpointId)) continue;
    if (await hasWrite(store, address, WRITES_IDX_MAP[INTERRUPT]!)) {
      throw new PruneRefusedError(address.threadId, address.checkpointId);
    }
  }
}
