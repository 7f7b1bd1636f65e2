import { MongoClient, type Db, type Document, type MongoClientOptions } from "mongodb";
import type { Database } from "./savers.ts";

/** The wire version of MongoDB 7.0, the last without the `bulkWrite` command. */
const WIRE_VERSION_WITHOUT_BULK_WRITE = 21;

/** Connects to the server of a case as its mode says. */
export async function connect(
  database: Database,
  options: MongoClientOptions = {},
): Promise<MongoClient> {
  const client = await MongoClient.connect(database.uri, options);
  return database.clientBulkWrite ? client : withoutClientBulkWrite(client);
}

/**
 * Makes a client's server look like MongoDB 7.0: it says so, and a client's `bulkWrite` fails. Done here
 * and not between client and server, where it would cost time that grows with the commands a saver sends.
 */
function withoutClientBulkWrite(client: MongoClient): MongoClient {
  const open = client.db.bind(client);
  const age = (db: Db): Db => {
    const openAdmin = db.admin.bind(db);
    const admin = (): ReturnType<typeof openAdmin> => {
      const opened = openAdmin();
      const command = opened.command.bind(opened);
      return Object.assign(opened, {
        command: async (...parameters: Parameters<typeof command>) =>
          ageHello(await command(...parameters)),
      });
    };
    return Object.assign(db, { admin });
  };
  return Object.assign(client, {
    db: (...parameters: Parameters<typeof open>) => age(open(...parameters)),
    bulkWrite: () => Promise.reject(new Error("This server has no command bulkWrite.")),
  });
}

function ageHello(reply: Document): Document {
  return "maxWireVersion" in reply
    ? { ...reply, maxWireVersion: WIRE_VERSION_WITHOUT_BULK_WRITE }
    : reply;
}
