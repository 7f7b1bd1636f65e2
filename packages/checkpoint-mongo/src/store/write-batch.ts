import type {
  AnyBulkWriteOperation,
  AnyClientBulkWriteModel,
  Document,
  Filter,
  UpdateFilter,
} from "mongodb";
import { BSON_OPTIONS, DURABLE, openCollection, readErrorCode } from "../driver/index.ts";
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

/** The removal of all documents that a filter finds. */
export interface BatchRemoval {
  readonly collection: CollectionKind;
  readonly filter: Filter<Document>;
  readonly remove: true;
}

/** One step of a batch. */
export type BatchWrite = BatchUpdate | BatchRemoval;

/** How a batch ended. Other failures are thrown. */
export type BatchOutcome =
  | {
      readonly kind: "done";
      /** The positions of the writes that inserted a document. */
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
 * Carries out writes in order and stops at the first that fails, so that whatever a later one
 * refers to is there. One command where the server can write to several collections at once, else
 * one for each run of writes to one collection.
 */
export async function writeBatch(
  collections: Collections,
  features: ServerFeatures,
  writes: readonly BatchWrite[],
): Promise<BatchOutcome> {
  try {
    const { inserted, unmatched } = features.clientBulkWrite
      ? await writeAtOnce(collections, writes)
      : await writeByCollection(collections, writes);
    return isBaseless(writes, inserted)
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
  writes: readonly BatchWrite[],
): Promise<Carried> {
  const models = writes.map((write): AnyClientBulkWriteModel<Document> => {
    const { namespace } = collections[write.collection];
    if ("remove" in write) return { name: "deleteMany", namespace, filter: write.filter };
    const { filter, update, upsert = false } = write;
    return { name: "updateOne", namespace, filter, update, upsert };
  });
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
  writes: readonly BatchWrite[],
): Promise<Carried> {
  const inserted = new Set<number>();
  let unmatched = 0;
  let start = 0;
  while (start < writes.length) {
    const { collection } = writes[start]!;
    let end = start + 1;
    while (writes[end]?.collection === collection) end += 1;
    const run = writes.slice(start, end);
    const operations = run.map((write): AnyBulkWriteOperation => {
      if ("remove" in write) return { deleteMany: { filter: write.filter } };
      const { filter, update, upsert = false } = write;
      return { updateOne: { filter, update, upsert } };
    });
    const { db, [collection]: own } = collections;
    const result = await openCollection<Document>(db, own.collectionName).bulkWrite(operations, {
      ordered: true,
    });
    for (const index of Object.keys(result.upsertedIds)) inserted.add(start + Number(index));
    const updates = run.filter((write) => "update" in write);
    unmatched += updates.length - result.matchedCount - result.upsertedCount;
    if (isBaseless(writes, inserted)) break;
    start = end;
  }
  return { inserted, unmatched };
}

/** Whether a document was made that must have been there. */
function isBaseless(writes: readonly BatchWrite[], inserted: ReadonlySet<number>): boolean {
  return [...inserted].some((index) => {
    const write = writes[index];
    return write !== undefined && "mustExist" in write && write.mustExist;
  });
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
