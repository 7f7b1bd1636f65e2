import type { Collection, Db, Document, IndexDescription } from "mongodb";
import { makeIndexes, openCollection, readErrorCode } from "../driver/index.ts";
import { SetupError } from "../errors/index.ts";
import type { CollectionKind, Collections } from "./collections.ts";

const INDEX_OPTIONS_CONFLICT = 85;

/**
 * Makes the indexes of all collections. May be called by many processes at once, and again.
 *
 * @param graceSeconds how long after `expires_at` the server may delete
 * @throws SetupError if an index cannot be made
 */
export async function ensureIndexes(collections: Collections, graceSeconds: number): Promise<void> {
  const expiry: IndexDescription = {
    key: { expires_at: 1 },
    name: "expiry",
    expireAfterSeconds: graceSeconds,
  };
  // Every index but those on expiry and on the pointer to a checkpoint starts with the thread, so
  // that the collections can be sharded by it.
  const wanted: Record<CollectionKind, readonly IndexDescription[]> = {
    threads: [expiry],
    checkpoints: [
      {
        key: { thread_id: 1, checkpoint_id: -1, checkpoint_ns: 1 },
        name: "address",
        unique: true,
      },
      { key: { thread_id: 1, checkpoint_ns: 1, seq: -1 }, name: "order", unique: true },
      {
        key: { thread_id: 1, checkpoint_ns: 1, head: 1 },
        name: "head",
        partialFilterExpression: { head: true },
      },
      expiry,
    ],
    segments: [
      { key: { thread_id: 1, segment: 1, part: 1 }, name: "content", unique: true },
      // Each append names how many there are already. Not every server narrows down further what an
      // index has found, so this is one to find just that by.
      { key: { thread_id: 1, segment: 1, part: 1, appends: 1 }, name: "appends" },
      expiry,
    ],
    writes: [
      {
        key: { thread_id: 1, checkpoint_ns: 1, checkpoint_id: 1, task_id: 1, idx: 1 },
        name: "address",
        unique: true,
      },
      { key: { checkpoint: 1 }, name: "checkpoint" },
      expiry,
    ],
  };
  await Promise.all(
    Object.entries(wanted).map(([kind, indexes]) => {
      const name = collections[kind as CollectionKind].collectionName;
      const collection = openCollection<Document>(collections.db, name);
      return createIndexes(collections.db, collection, indexes, graceSeconds);
    }),
  );
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
