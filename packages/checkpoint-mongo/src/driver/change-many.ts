import type { Collection, DeleteOptions, Document, Filter, UpdateFilter } from "mongodb";
import { endsOnTimeout } from "./retrying-database.ts";
import { isTimeout } from "./transient-errors.ts";

/** Documents changed with one command, once a command on all of them took too long. */
const BATCH_SIZE = 1_000;

/**
 * Deletes any number of documents. It is one command, with the time limit of all commands, because a half-open
 * connection cannot be told from a server that is at work. If there is no answer in time, it continues in batches,
 * which end in time however many documents there are.
 */
export async function deleteAll<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
  options: Pick<DeleteOptions, "writeConcern"> = {},
): Promise<void> {
  const remove = (some: Filter<T>, more: object) =>
    collection.deleteMany(some, { ...options, ...more });
  await changeAll(collection, filter, remove);
}

/** Changes any number of documents, as {@link deleteAll} deletes them. */
export async function updateAll<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
  update: UpdateFilter<T> | Document[],
): Promise<void> {
  const change = (some: Filter<T>, more: object) => collection.updateMany(some, update, more);
  await changeAll(collection, filter, change);
}

async function changeAll<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
  change: (some: Filter<T>, options: object) => Promise<unknown>,
): Promise<void> {
  try {
    await change(filter, endsOnTimeout);
    return;
  } catch (error) {
    if (!isTimeout(error)) throw error;
  }
  let ids: unknown[] = [];
  const changeBatch = async (): Promise<void> => {
    if (ids.length > 0) await change({ $and: [filter, { _id: { $in: ids } }] } as Filter<T>, {});
    ids = [];
  };
  for await (const { _id } of collection.find(filter, { projection: { _id: 1 } })) {
    ids.push(_id);
    if (ids.length === BATCH_SIZE) await changeBatch();
  }
  await changeBatch();
}
