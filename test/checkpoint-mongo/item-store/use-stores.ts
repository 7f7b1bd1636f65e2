import type { BaseStore, Item, SearchItem } from "@langchain/langgraph-checkpoint";
import { MongoDBStore as OfficialMongoDBStore } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBStore, type MongoDBStoreSettings } from "@threadkeep/checkpoint-mongo";
import type { Collection } from "mongodb";
import { asNewProcess } from "../new-process.ts";
import { useDatabase, type TestDatabase } from "../use-database.ts";

type OfficialParams = ConstructorParameters<typeof OfficialMongoDBStore>[0];

/** A database of one's own with both stores on it. */
export interface TestStores extends TestDatabase {
  /** The store of a process that has just started, on a collection of its own unless one is named. */
  openStore(settings?: MongoDBStoreSettings): MongoDBStore;
  /** The official store on the collection `store`, unless another one is named. */
  openOfficial(params?: Omit<OfficialParams, "client">): OfficialMongoDBStore;
  /** A collection as the database has it. */
  collection(name?: string): Collection;
}

let collections = 0;

/** Sets up a database for a test file. */
export function useStores(): TestStores {
  const database = useDatabase();
  const { client, db, name: dbName } = database;
  return {
    ...database,
    openStore: (settings) => {
      collections += 1;
      return new MongoDBStore({
        dbName,
        collectionName: `items_${collections}`,
        ...settings,
        client: asNewProcess(client),
      });
    },
    openOfficial: (params) =>
      new OfficialMongoDBStore({
        dbName,
        ...params,
        // It is typed for the driver's version 6 and works with 7.
        client: client as unknown as OfficialParams["client"],
      }),
    collection: (name = "store") => db.collection(name),
  };
}

/** What of an item does not depend on when it was stored. */
export function withoutTimes({ namespace, key, value }: Item | SearchItem): object {
  return { namespace, key, value: value as unknown };
}

/** All items below a prefix, without times. */
export async function readAll(store: BaseStore, prefix: string[] = []): Promise<object[]> {
  return (await store.search(prefix, { limit: 1_000 })).map(withoutTimes);
}
