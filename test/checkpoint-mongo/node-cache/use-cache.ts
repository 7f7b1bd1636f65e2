import {
  MongoDBCache,
  type CacheEvent,
  type MongoDBCacheSettings,
} from "@threadkeep/checkpoint-mongo";
import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { Collection } from "mongodb";
import { asNewProcess } from "../new-process.ts";
import { useDatabase, type TestDatabase } from "../use-database.ts";

/** A cache with a collection of its own, and what it reports. */
export interface TestCache {
  readonly cache: MongoDBCache;
  readonly events: CacheEvent[];
  readonly collection: Collection;
}

/** A database for the tests of one file, and caches in it. */
export interface CacheDatabase {
  readonly database: TestDatabase;
  /**
   * The cache of a process that has just started.
   *
   * @param prefix of its collection: caches with the same one share their entries
   */
  readonly openCache: (
    prefix: string,
    settings?: MongoDBCacheSettings,
    serde?: SerializerProtocol,
  ) => TestCache;
}

/** Sets up a database before the tests of a file and removes it after them. */
export function useCacheDatabase(): CacheDatabase {
  const database = useDatabase();
  return {
    database,
    openCache: (prefix, settings, serde) => {
      const events: CacheEvent[] = [];
      const options = {
        client: asNewProcess(database.client),
        dbName: database.name,
        collectionPrefix: `${prefix}_`,
        onEvent: (event: CacheEvent) => events.push(event),
        ...settings,
      };
      return {
        cache: new MongoDBCache(options, serde),
        events,
        collection: database.db.collection(`${prefix}_cache`),
      };
    },
  };
}
