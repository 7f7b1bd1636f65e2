import { MongoDBCache, type CacheEvent } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type MongoClientOptions } from "mongodb";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { randomText } from "../random-text.ts";
import { useCacheDatabase } from "./use-cache.ts";

const { database } = useCacheDatabase();

/** The official package brings mongodb 6 along, whose BSON classes mongodb 7 refuses. */
const officialPackage = createRequire(import.meta.url).resolve(
  "@langchain/langgraph-checkpoint-mongodb",
);
const six = createRequire(officialPackage)("mongodb") as { MongoClient: typeof MongoClient };

const OPTIONS: readonly MongoClientOptions[] = [
  {},
  { promoteBuffers: true },
  { promoteValues: false },
  { raw: true },
  { useBigInt64: true },
  { ignoreUndefined: false, serializeFunctions: true },
  { readPreference: "secondaryPreferred", writeConcern: { w: 0 } },
  { serverApi: { version: "1", strict: true } },
];

describe.each([
  ["mongodb 7", MongoClient],
  ["mongodb 6", six.MongoClient],
])("a client of %s", (name, Client) => {
  it.each(OPTIONS)("works with the options %j", async (options) => {
    const client = new Client(database.uri, options);
    const events: CacheEvent[] = [];
    try {
      const cache = new MongoDBCache({
        client,
        dbName: database.name,
        collectionPrefix: `${name.at(-1)}_${OPTIONS.indexOf(options)}_`,
        // Small enough for the sets to evict.
        maxBytes: 65_536,
        onEvent: (event) => events.push(event),
      });
      for (let index = 0; index < 8; index += 1) {
        const value = [["when", new Date(index)], randomText(20_000, index + 1)];
        await cache.set([{ key: [["node"], String(index)], value, ttl: 3_600 }]);
        expect(await cache.get([[["node"], String(index)]])).toEqual([
          { key: [["node"], String(index)], value },
        ]);
      }
      await cache.clear([["node"]]);
      expect(await cache.get([[["node"], "7"]])).toEqual([]);
      expect(events).toEqual([]);
    } finally {
      await client.close();
    }
  });
});
