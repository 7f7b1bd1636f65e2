import type { Db, MongoClient } from "mongodb";

/** What the server can do beyond what every MongoDB-compatible server can. */
export interface ServerFeatures {
  /** One command may write to several collections (`bulkWrite`, MongoDB 8.0). */
  readonly clientBulkWrite: boolean;
  /** The connection is to a router of a sharded cluster. */
  readonly sharded: boolean;
}

/** The wire version of MongoDB 8.0, the first with the `bulkWrite` command. */
const BULK_WRITE_WIRE_VERSION = 25;

/** Asks the server what it is. */
export async function detectServerFeatures(db: Db, client: MongoClient): Promise<ServerFeatures> {
  const hello = await db.admin().command({ hello: 1 });
  return {
    clientBulkWrite:
      Number(hello["maxWireVersion"]) >= BULK_WRITE_WIRE_VERSION &&
      // The driver refuses the command to a client that encrypts by itself.
      client.options?.autoEncryption === undefined,
    sharded: hello["msg"] === "isdbgrid",
  };
}
