import type {
  AnyBulkWriteOperation,
  AnyClientBulkWriteModel,
  Document,
  Filter,
  UpdateFilter,
} from "mongodb";
import { BSON_OPTIONS, DURABLE, readErrorCode } from "../driver/index.ts";
import type { CollectionKind, Collections } from "./collections.ts";
import type { ServerFeatures } from "./server-features.ts";

/** One update of one document. */
export interface BatchUpdate {
  readonly collection: CollectionKind;
  readonly filter: Filter<Document>;
  readonly update: UpdateFilter<Document>;
  readonly upsert?: boolean;
  /**
   * With `upsert`: the document must be there. If it is there but not as the filter says, the upsert
   * collides with it; if it is not there at all, what the upsert inserts is a conflict as well.
   */
  readonly mustExist?: boolean;
}

/** How a batch ended. Other failures are thrown. */
export type BatchOutcome =
  | {
      readonly kind: "done";
      /** The positions of the updates that inserted a document. */
      readonly inserted: ReadonlySet<number>;
      /** How many updates found no document and inserted none. */
      readonly unmatched: number;
    }
  /**
   * A unique index refused an update; it and those after it were not carried out. Or all were, but a
   * document that must exist did not.
   */
  | { readonly kind: "conflict" };

/** How servers say that an upsert lost to another one of the same document or place. */
const CONFLICT_CODES: ReadonlySet<number | undefined> = new Set([
  11_000, // DuplicateKey
  66, // ImmutableField: a compatible server found the winner's document and tried to change its _id.
]);

/**
 * Carries out updates in order and stops at the first that fails, so that whatever a later one
 * refers to is there. One command where the server can write to several collections at once, else
 * one for each run of updates to one collection.
 */
export async function writeBatch(
  collections: Collections,
  features: ServerFeatures,
  updates: readonly BatchUpdate[],
): Promise<BatchOutcome> {
  try {
    const { inserted, unmatched } = features.clientBulkWrite
      ? await writeAtOnce(collections, updates)
      : await writeByCollection(collections, updates);
    return isBaseless(updates, inserted)
      ? { kind: "conflict" }
      : { kind: "done", inserted, unmatched };
  } catch (error) {
    if (isConflict(error)) return { kind: "conflict" };
    throw error;
  }
}

/** What was carried out of a batch. */
interface Carried {
  readonly inserted: ReadonlySet<number>;
  readonly unmatched: number;
}

async function writeAtOnce(
  collections: Collections,
  updates: readonly BatchUpdate[],
): Promise<Carried> {
  const models = updates.map(
    ({ collection, filter, update, upsert }): AnyClientBulkWriteModel<Document> => ({
      name: "updateOne",
      namespace: collections[collection].namespace,
      filter,
      update,
      upsert: upsert ?? false,
    }),
  );
  const result = await collections.client.bulkWrite(models, {
    ordered: true,
    verboseResults: true,
    writeConcern: DURABLE,
    // Unlike a collection, a client is not ours: its options would count.
    ...BSON_OPTIONS,
  });
  const inserted = new Set<number>();
  let unmatched = 0;
  for (const [index, update] of result.updateResults ?? []) {
    if (update.didUpsert) inserted.add(index);
    else if (update.matchedCount === 0) unmatched += 1;
  }
  return { inserted, unmatched };
}

async function writeByCollection(
  collections: Collections,
  updates: readonly BatchUpdate[],
): Promise<Carried> {
  const inserted = new Set<number>();
  let unmatched = 0;
  let start = 0;
  while (start < updates.length) {
    const { collection } = updates[start]!;
    let end = start + 1;
    while (updates[end]?.collection === collection) end += 1;
    const operations = updates
      .slice(start, end)
      .map(({ filter, update, upsert }): AnyBulkWriteOperation => ({
        updateOne: { filter, update, upsert: upsert ?? false },
      }));
    const result = await collections.db
      .collection(collections[collection].collectionName)
      .bulkWrite(operations, { ordered: true });
    for (const index of Object.keys(result.upsertedIds)) inserted.add(start + Number(index));
    unmatched += operations.length - result.matchedCount - result.upsertedCount;
    if (isBaseless(updates, inserted)) break;
    start = end;
  }
  return { inserted, unmatched };
}

/** Whether a document was made that must have been there. */
function isBaseless(updates: readonly BatchUpdate[], inserted: ReadonlySet<number>): boolean {
  return [...inserted].some((index) => updates[index]?.mustExist);
}

function isConflict(error: unknown): boolean {
  const { writeErrors, writeConcernErrors } = error as {
    readonly writeErrors?: ReadonlyMap<number, unknown> | readonly unknown[] | undefined;
    readonly writeConcernErrors?: readonly unknown[] | undefined;
  };
  if (!(writeErrors instanceof Map)) {
    // Of a collection's bulk write: the error has the code of the first write that was refused.
    return writeErrors !== undefined && isConflictCode(error);
  }
  const errors = [...writeErrors.values()];
  return (
    (writeConcernErrors ?? []).length === 0 && errors.length > 0 && errors.every(isConflictCode)
  );
}

function isConflictCode(error: unknown): boolean {
  return CONFLICT_CODES.has(readErrorCode(error));
}
