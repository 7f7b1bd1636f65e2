import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/documents.ts";
import { bytesToHex } from "../driver/binary.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { walkRecords } from "../read/walk-parents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { listNeeds } from "../records/needs.ts";
import { findWrites, groupByPointer } from "../store/find-writes.ts";
import { findTarget, type Target } from "./find-target.ts";
import { hasChildren } from "./has-children.ts";
import { findInLineage, findLastingHeads, Lineage, readRoot } from "./lineage.ts";

/** A checkpoint with those of its pending writes that go with it. */
export interface CollectedCheckpoint extends Target {
  readonly writes: readonly WriteSetDocument[];
}

/** A state of one graph: the checkpoint, after those of its ancestors without which it cannot be read. */
export type CollectedState = readonly CollectedCheckpoint[];

/**
 * Collects what a state of a thread is made of: that of the root graph first, then those that its subgraphs had.
 *
 * If no checkpoint came after it, its pending writes belong to it, and the states of the subgraphs that its tasks
 * run. Otherwise its tasks are to run anew, as in LangGraph's own forks.
 */
export async function collectState(
  context: SaverContext,
  target: Target,
): Promise<readonly CollectedState[]> {
  const { address, epoch } = target.record;
  const isLast = !(await hasChildren(context, target));
  const root = await collect(context, target, isLast);
  const states = [root];
  const lasting = await findLastingHeads(context, address.threadId, epoch);
  if (lasting.length > 0) {
    const lineage = await Lineage.trace(context, target.record, isLast);
    for (const { record } of lasting) {
      const state = await findInLineage(context, record.address, epoch, lineage);
      if (state !== undefined) {
        states.push(await collect(context, state, !(await hasChildren(context, state))));
      }
    }
  }
  const tasks = new Set(root.at(-1)!.writes.map(({ task_id }) => task_id));
  for (const state of await findOfTasks(context, target, tasks)) {
    states.push(await collect(context, state, true));
  }
  return states;
}

/** The latest states of the subgraphs that the tasks of a checkpoint run. */
async function findOfTasks(
  context: SaverContext,
  { record: { address, epoch } }: Target,
  tasks: ReadonlySet<string>,
): Promise<readonly Target[]> {
  if (tasks.size === 0) return [];
  const heads = await context.store.checkpoints
    .find({ thread_id: address.threadId, kind: "checkpoint", head: true })
    .project<Pick<CheckpointDocument, "checkpoint_ns" | "epoch">>({ checkpoint_ns: 1, epoch: 1 })
    .toArray();
  const names = new Set(
    heads
      .filter(
        ({ checkpoint_ns, epoch: life = 0 }) => life === epoch && isOfTask(checkpoint_ns, tasks),
      )
      .map(({ checkpoint_ns }) => checkpoint_ns),
  );
  const states: Target[] = [];
  for (const checkpointNs of names) {
    const state = await findTarget(context, { ...address, checkpointNs, checkpointId: undefined });
    const root = state && (await readRoot(context, state.record));
    if (state !== undefined && (root ?? address.checkpointId) === address.checkpointId) {
      states.push(state);
    }
  }
  return states;
}

/** The namespace of a task's subgraph begins with `node:task`. */
function isOfTask(checkpointNs: string, tasks: ReadonlySet<string>): boolean {
  const [first = ""] = checkpointNs.split("|");
  return tasks.has(first.slice(first.lastIndexOf(":") + 1));
}

async function collect(
  context: SaverContext,
  target: Target,
  withWrites: boolean,
): Promise<CollectedState> {
  const ancestors = await collectNeeded(context, target.record);
  const all = [...ancestors, target];
  const sets = await findWrites(
    context.store,
    all.map(({ document }) => document),
  );
  const byPointer = groupByPointer(sets);
  return all.map(({ document, record }) => {
    const own = (byPointer.get(bytesToHex(document._id)) ?? []).filter(
      ({ epoch = 0 }) => epoch === record.epoch,
    );
    return { document, record, writes: record === target.record && !withWrites ? [] : own };
  });
}

/** The ancestors without which a checkpoint cannot be read, the first one first. */
async function collectNeeded(
  context: SaverContext,
  record: CheckpointRecord,
): Promise<readonly Target[]> {
  const needs = listNeeds(record, await decodeMetadata(record, context));
  const open = typeof needs === "string" ? undefined : new Set(needs);
  if (needs === "none" || open?.size === 0) return [];
  const needed: Target[] = [];
  for await (const ancestor of walkRecords(context, record)) {
    const target = await findTarget(context, ancestor.address);
    if (target === undefined) break;
    needed.unshift(target);
    if (needs === "parent") break;
    for (const channel of ancestor.manifest.keys()) open?.delete(channel);
    if (open?.size === 0) break;
  }
  return needed;
}
