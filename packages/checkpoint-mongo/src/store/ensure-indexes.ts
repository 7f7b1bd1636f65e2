import type { Collection, Db, IndexDescription } from "mongodb";
import { makeIndexes, readErrorCode } from "../driver/index.ts";
import { SetupError } from "../errors/index.ts";
import type { Collections } from "./collections.ts";

const INDEX_OPTIONS_CONFLICT = 85;

/**
 * The indexes of the collection. All but the one on expiry and the one on the checkpoint that writes
 * belong to begin with the thread, and no unique one does not, so the collection can be sharded by it.
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
  // Writes by the checkpoint they belong to, and by task and place. Not partial: MongoDB joins by
  // whole indexes only.
  { key: { checkpoint: 1, thread_id: 1, task_id: 1, idx: 1 }, name: "writes" },
  // Records by what a fence asks for.
  {
    key: { thread_id: 1, epoch: 1, expires_at: 1, extending: 1 },
    name: "fence",
    partialFilterExpression: { kind: "thread" },
  },
];

/**
 * Makes the indexes of the collection. May be called by many processes at once, and again.
 *
 * @param graceSeconds how long after `expires_at` the server may delete
 * @throws SetupError if an index cannot be made
 */
export async function ensureIndexes({ db, all }: Collections, graceSeconds: number): Promise<void> {
  const expiry: IndexDescription = {
    key: { expires_at: 1 },
    name: "expiry",
    expireAfterSeconds: graceSeconds,
    partialFilterExpression: { expires_at: { $exists: true } },
  };
  await createIndexes(db, all, [...INDEXES, expiry], graceSeconds);
}

/**
 * Makes the indexes of one collection, of which the one named `expiry` may be there with another
 * grace.
 *
 * @throws SetupError if an index cannot be made
 */
export async function createIndexes(
  db: Db,
  collection: Collection,
  indexes: readonly IndexDescription[],
  graceSeconds: number,
): Promise<void> {
  try {
    await makeIndexes(collection, indexes);
  } catch (error) {
    if (readErrorCode(error) !== INDEX_OPTIONS_CONFLICT) {
      throw new SetupError(
        `Could not make the indexes of ${collection.namespace}: ${String(error)} ` +
          "Check that the database user may create indexes there, or make them beforehand.",
        { cause: error },
      );
    }
    await changeGrace(db, collection, graceSeconds, error);
    await createIndexes(db, collection, indexes, graceSeconds);
  }
}

/** The one option that may differ from an earlier setup is how long expired documents stay. */
async function changeGrace(
  db: Db,
  collection: Collection,
  graceSeconds: number,
  cause: unknown,
): Promise<void> {
  const existing = await collection.indexes();
  const expiry = existing.find((index) => index.name === "expiry");
  if (expiry?.expireAfterSeconds === undefined || expiry.expireAfterSeconds === graceSeconds) {
    throw new SetupError(
      `Could not make the indexes of ${collection.namespace}: one of the same name or key but with ` +
        `other options is there. Drop it, or use another collectionPrefix. ${String(cause)}`,
      { cause },
    );
  }
  await db.command({
    collMod: collection.collectionName,
    index: { name: "expiry", expireAfterSeconds: graceSeconds },
  });
}
