import type { Collection, Db, MongoClient } from "mongodb";

/** Changes each collection that is opened on a client from now on, whoever opens it. */
export function interceptCollections(
  client: MongoClient,
  change: (collection: Collection) => void,
): void {
  const openDb = client.db.bind(client);
  const intercept = (db: Db): Db => {
    const open = db.collection.bind(db);
    const opened = (...parameters: Parameters<Db["collection"]>): Collection => {
      const collection = open(...parameters);
      change(collection);
      return collection;
    };
    return Object.assign(db, { collection: opened });
  };
  Object.assign(client, {
    db: (...parameters: Parameters<MongoClient["db"]>) => intercept(openDb(...parameters)),
  });
}
