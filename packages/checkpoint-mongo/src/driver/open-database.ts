import type {
  BSONSerializeOptions,
  Collection,
  CollectionOptions,
  Db,
  Document,
  MongoClient,
  ReadConcern,
  WriteConcernSettings,
} from "mongodb";
import type { RetryPolicy } from "./retry-policy.ts";
import { retrying } from "./retrying-database.ts";

/** A write counts as done when a majority of the replica set has it in the journal. */
export const DURABLE: WriteConcernSettings = { w: "majority", journal: true };

/** All options of writing and reading BSON. Options left out here would come from the user's client. */
const BSON_OPTIONS: Required<BSONSerializeOptions> = {
  bsonRegExp: false,
  checkKeys: false,
  enableUtf8Validation: true,
  // Without a prototype: otherwise the driver finds fields such as `valueOf` there.
  fieldsAsRaw: Object.create(null) as Record<string, never>,
  ignoreUndefined: true,
  promoteBuffers: false,
  promoteLongs: true,
  promoteValues: true,
  raw: false,
  serializeFunctions: false,
  useBigInt64: false,
};

/**
 * Opens a database on the user's client with our own options. Reads go to the primary and see only what a
 * majority has, so that no checkpoint is built on data that a failover could roll back.
 *
 * @param dbName by default the database of the connection string
 * @param retry repeats commands; without it, each is tried once
 */
export function openDatabase(
  client: MongoClient,
  dbName: string | undefined,
  retry?: RetryPolicy,
): Db {
  const db = client.db(dbName, {
    ...BSON_OPTIONS,
    readPreference: "primary",
    // A plain object: the class would be that of our copy, and the driver creates its own from this.
    readConcern: { level: "majority" } as ReadConcern,
    writeConcern: DURABLE,
  });
  return retry === undefined ? db : retrying(db, client, retry);
}

/**
 * Opens a collection of such a database. `fieldsAsRaw` and `checkKeys` are options of a collection only; the
 * driver does not take them for a database.
 *
 * @param options concerns in place of those of the database
 */
export function openCollection<T extends Document>(
  db: Db,
  name: string,
  options: CollectionOptions = {},
): Collection<T> {
  return db.collection<T>(name, { ...BSON_OPTIONS, ...options });
}
