import {
  InvalidOptionsError,
  MongoDBCache,
  MongoDBSaver,
  MongoDBStore,
} from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { describe, expect, it } from "vitest";

// It is never connected.
const client = new MongoClient("mongodb://localhost");
const URI = "mongodb://localhost";

const NO_OPTIONS = [undefined, null, "mongodb://localhost", 5, true, ["client"]] as const;

const CLASSES = {
  MongoDBSaver: {
    make: (options: unknown): unknown => new MongoDBSaver(options as never),
    connect: (options: unknown): unknown => MongoDBSaver.fromConnString(URI, options as never),
    wrong: {
      dbName: 7,
      ttlRefreshOnRead: true,
      cacheMaxBytes: 0.5,
      onCheckpointSize: { softLimitBytes: 2, hardLimitBytes: 1 },
      integrity: { key: "too short" },
      onEvent: "log",
      ttlSlak: 1,
    },
    lines: [
      "dbName: expected a string, got 7",
      "cacheMaxBytes: expected a whole number, got 0.5",
      "integrity.key: expected at least 16 bytes, got a string of 9 characters",
      "onEvent: expected a function that takes an event, got a string of 3 characters",
      "ttlSlak: unknown option; did you mean ttlSlack?",
      "ttlRefreshOnRead: expected false, since there is no ttl to refresh (set ttl too), got true",
      "onCheckpointSize.softLimitBytes: expected at most hardLimitBytes, got 2",
    ],
  },
  MongoDBStore: {
    make: (options: unknown): unknown => new MongoDBStore(options as never),
    connect: (options: unknown): unknown => MongoDBStore.fromConnString(URI, options as never),
    wrong: {
      collectionName: "",
      ttl: { defaultTtl: 0, refresh: true },
      indexConfig: { name: "v", path: "value" },
      embeddings: { embedDocuments: () => [], embedQuery: () => [] },
      maxExactSearchItem: 1,
    },
    lines: [
      "collectionName: expected a valid name of a collection, got an empty string",
      "ttl.defaultTtl: expected above 0, got 0",
      "ttl.refresh: unknown option; known are defaultTtl, refreshOnRead",
      "maxExactSearchItem: unknown option; did you mean maxExactSearchItems?",
      "indexConfig.dims: expected the length of the vectors that embeddings gives, got undefined",
      "indexConfig.path: expected a field that is not one of an item's own, got a string of 5 characters",
    ],
  },
  MongoDBCache: {
    make: (options: unknown): unknown => new MongoDBCache(options as never),
    connect: (options: unknown): unknown => MongoDBCache.fromConnString(URI, options as never),
    wrong: { version: 3, ttl: "60", maxbytes: 1e6, retry: { deadlineMs: -1 } },
    lines: [
      "version: expected a string, got 3",
      "ttl: expected a number, got a string of 2 characters",
      "retry.deadlineMs: expected at least 0, got -1",
      "maxbytes: unknown option; did you mean maxBytes?",
    ],
  },
};

describe.each(Object.entries(CLASSES))("%s", (owner, { make, connect, wrong, lines }) => {
  it("lists every problem of its options at once, one a line", () => {
    const thrown = attempt(() => make({ client, ...wrong }));
    expect((thrown as Error).message.split("\n")).toEqual([
      `Invalid options of ${owner}:`,
      ...lines.map((line) => `  ${line}`),
    ]);
    expect(InvalidOptionsError.isInstance(thrown)).toBe(true);
  });

  it.each(NO_OPTIONS)("refuses %j in place of its options", (options) => {
    expect(attempt(() => make(options))).toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining("  options: expected an object, got ") as string,
    });
  });

  it.each(NO_OPTIONS.slice(1))(
    "refuses %j in place of the options of fromConnString",
    async (options) => {
      const thrown = await Promise.resolve()
        .then(() => connect(options))
        .catch((error: unknown) => error);
      expect(thrown).toMatchObject({
        code: "INVALID_OPTIONS",
        message: expect.stringContaining("  options: expected an object, got ") as string,
      });
    },
  );
});

function attempt(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return error;
  }
}
