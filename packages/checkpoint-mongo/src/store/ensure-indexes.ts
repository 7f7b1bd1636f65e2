import type { IndexDescription } from "mongodb";
import { ensureIndexes } from "../driver/ensure-indexes.ts";
import type { Store } from "./store.ts";

/**
 * The indexes of what belongs to one thread. All begin with the thread, except those on expiry and on the
 * checkpoint that writes belong to. All unique ones do, so the collection can be sharded by the thread.
 *
 * Every filter of the hot path is an equality on the first fields of one of them: not every server
 * narrows down further what an index has found.
 */
const INDEXES: readonly IndexDescription[] = [
  // All documents of a thread, and its checkpoints and writes by their ids.
  { key: { thread_id: 1, kind: 1, checkpoint_id: -1, checkpoint_ns: 1 }, name: "address" },
  {
    key: { thread_id: 1, checkpoint_ns: 1, seq: -1 },
    name: "order",
    unique: true,
    partialFilterExpression: { kind: "checkpoint" },
  },
  {
    key: { thread_id: 1, checkpoint_ns: 1, head: 1 },
    name: "head",
    partialFilterExpression: { head: true },
  },
  // Each append names how many there are already.
  {
    key: { thread_id: 1, segment: 1, part: 1, appends: 1 },
    name: "segment",
    partialFilterExpression: { kind: "segment" },
  },
  // Writes by the checkpoint they belong to, by task and place, and when they were called. Not partial:
  // MongoDB joins by whole indexes only.
  { key: { checkpoint: 1, thread_id: 1, task_id: 1, idx: 1, called_at: 1 }, name: "writes" },
  // Labels, of which a namespace has no two with one name. It has no entry for checkpoints without.
  {
    key: { thread_id: 1, labelled: 1, checkpoint_ns: 1, "labels.name": 1 },
    name: "labels",
    unique: true,
    partialFilterExpression: { labelled: true },
  },
  // Records by what fences ask for: those that open for the holder, those of puts for the last removal.
  {
    key: { thread_id: 1, epoch: 1, expires_at: 1, extending: 1, holder: 1, removal: 1 },
    name: "fence",
    partialFilterExpression: { kind: "thread" },
  },
  {
    key: { thread_id: 1, epoch: 1, expires_at: 1, extending: 1, removal: 1 },
    name: "place",
    partialFilterExpression: { kind: "thread" },
  },
];

const ofRecords = { partialFilterExpression: { kind: "thread" } } as const;

/**
 * The indexes of searches over all threads: the only ones, beside that on expiry, that do not begin with the
 * thread.
 */
const SEARCH_INDEXES: readonly IndexDescription[] = [
  // The only one that a step changes. It has an entry for each thread.
  {
    key: { "stands.code": 1, "stands.at": -1, thread_id: 1 },
    name: "status",
    partialFilterExpression: { head: true },
  },
  { key: { created_at: -1, thread_id: 1 }, name: "created", ...ofRecords },
  // Whole fields: a range of values of one key is a range of this index.
  { key: { fields: 1 }, name: "metadata", ...ofRecords },
  { key: { moving: 1 }, name: "moving", ...ofRecords },
  // Only of checkpoints whose configs say so.
  {
    key: { run_id: 1 },
    name: "run",
    partialFilterExpression: { run_id: { $exists: true } },
  },
  // Of the latest checkpoints, which have the mark.
  {
    key: { config: 1 },
    name: "config",
    partialFilterExpression: { config: { $exists: true }, head: true },
  },
];

/**
 * All indexes of the collection.
 *
 * @param graceSeconds how long after `expires_at` the server may delete
 */
export function listThreadIndexes(graceSeconds: number): readonly IndexDescription[] {
  const expiry: IndexDescription = {
    key: { expires_at: 1 },
    name: "expiry",
    expireAfterSeconds: graceSeconds,
    partialFilterExpression: { expires_at: { $exists: true } },
  };
  return [...INDEXES, ...SEARCH_INDEXES, expiry];
}

/**
 * Makes the indexes of the collection. May be called by many processes at once, and again.
 *
 * @param graceSeconds how long after `expires_at` the server may delete
 * @throws SetupError if an index cannot be made
 */
export async function ensureThreadIndexes(
  { db, all }: Pick<Store, "db" | "all">,
  graceSeconds: number,
): Promise<void> {
  // How long expired documents stay is the one option that may differ from an earlier setup.
  await ensureIndexes(db, all, listThreadIndexes(graceSeconds), { changesExpiry: true });
}
