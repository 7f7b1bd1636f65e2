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

/**
 * How documents are written and read, all of it: what is left out here would come from the options
 * of the user's client.
 */
const BSON_OPTIONS: Required<BSONSerializeOptions> = {
  bsonRegExp: false,
  checkKeys: false,
  enableUtf8Validation: true,
  // Without a prototype: the driver would find a field's name there, `valueOf` for one.
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
 * Opens a database on the user's client with options of our own. Reads go to the primary and see
 * only what a majority has, so that nothing is built on what a failover could take back.
 *
 * @param dbName by default the database of the connection string
 * @param retry tries commands again; without it, each is tried once
 */
export function openDatabase(
  client: MongoClient,
  dbName: string | undefined,
  retry?: RetryPolicy,
): Db {
  const db = client.db(dbName, {
    ...BSON_OPTIONS,
    readPreference: "primary",
    // The class would be our copy's; the driver makes one of its own from this.
    readConcern: { level: "majority" } as ReadConcern,
    writeConcern: DURABLE,
  });
  return retry === undefined ? db : retrying(db, client, retry);
}

/**
 * Opens a collection of such a database. The driver takes some options for a collection that it
 * doesn't take for a database: `fieldsAsRaw` and `checkKeys`.
 *
 * @param options other concerns than the database has
 */
export function openCollection<T extends Document>(
  db: Db,
  name: string,
  options: CollectionOptions = {},
): Collection<T> {
  return db.collection<T>(name, { ...BSON_OPTIONS, ...options });
}
