import {
  IntegrityKeyError,
  MongoDBCache,
  MongoDBSaver,
  MongoDBStore,
} from "@threadkeep/checkpoint-mongo";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** What must not be seen; long enough for a key, and with what URLs and names of options may hold. */
const MARK = "s3cr3t-Mark~of+20_chars";
const SEEN = /s3cr3t|mark~of|20_chars/i;

/** Ways in which a secret comes to stand where something else belongs. */
const SHAPES: readonly unknown[] = [
  MARK,
  `mongodb://user:${MARK}@host/db`,
  [MARK],
  { [MARK]: MARK },
  { key: MARK, [MARK]: 1 },
  { key: { [MARK]: MARK } },
  { keys: { [MARK]: "short" }, currentKeyId: MARK },
  { keys: { "2026": MARK }, currentKeyId: MARK },
  { keys: { [`${MARK}!`]: MARK }, currentKeyId: `${MARK}!` },
  { keys: [MARK], currentKeyId: 1 },
  { key: MARK, acceptUnkeyed: MARK },
  Buffer.from(MARK),
  new Map([[MARK, MARK]]),
  Symbol(MARK),
  Object.assign(() => MARK, { [MARK]: MARK }),
];

/** Each option of each class, nested ones too. */
const OPTIONS = {
  MongoDBSaver: {
    make: (options: object) => new MongoDBSaver(options as never),
    paths: [
      "client dbName collectionPrefix checkpointCollectionName checkpointWritesCollectionName",
      "enableTimestamps ttl ttlRefreshOnRead ttlGraceSeconds cacheMaxBytes integrity integrity.key",
      "integrity.keys integrity.keys.a integrity.currentKeyId integrity.acceptUnkeyed onCorruption",
      "verifyAfterSave persist onCheckpointSize onCheckpointSize.softLimitBytes onEvent",
      "allowedObjects unknown onCheckpointSize.unknown",
    ],
  },
  MongoDBStore: {
    make: (options: object) => new MongoDBStore(options as never),
    paths: [
      "client dbName collectionName enableTimestamps ttl ttl.defaultTtl embeddings indexConfig",
      "indexConfig.name indexConfig.dims indexConfig.path indexConfig.filters indexConfig.model",
      "indexConfig.similarityFunction maxExactSearchItems onEvent unknown",
    ],
  },
  MongoDBCache: {
    make: (options: object) => new MongoDBCache(options as never),
    paths: [
      "client dbName collectionPrefix version ttl maxBytes integrity integrity.key integrity.keys",
      "integrity.keys.a integrity.currentKeyId integrity.acceptUnkeyed onEvent unknown",
    ],
  },
};

describe.each(Object.entries(OPTIONS))("no error of %s shows what was given", (_owner, test) => {
  const paths = test.paths.flatMap((line) => line.split(" "));

  it.each(paths)("as %s", (path) => {
    let refused = 0;
    for (const shape of SHAPES) {
      const error = attempt(() => test.make(withOption(path, shape)));
      if (error === undefined) continue;
      refused += 1;
      expectNothingSeen(error);
      expect(error).toMatchObject({ code: "INVALID_OPTIONS" });
    }
    expect(refused).toBeGreaterThan(0);
  });

  it("as all options at once", () => {
    for (const shape of SHAPES) {
      const error = attempt(() => test.make(shape as object));
      expect(error).toMatchObject({ code: "INVALID_OPTIONS" });
      expectNothingSeen(error);
    }
  });
});

describe("no error of fromConnString shows a connection string or options of the client", () => {
  const ways: readonly (readonly [unknown, unknown?])[] = [
    [MARK],
    [[MARK]],
    [`mongodb://user:${MARK}`],
    [`user:${MARK}@host`],
    [`mongodb://user:${MARK}@`],
    [`mongodb://user:${MARK}@host:port/`],
    [`mongodb://us/er:${MARK}@host/`],
    [`mongodb://us/${MARK}:x@host/`],
    [`mongodb://user:%${MARK}@host/`],
    [`mongodb+srv://user:${MARK}@a,b/`],
    [`mongodb://host/?authMechanism=${MARK}`],
    [`mongodb://host/?maxPoolSize=${MARK}`],
    [`mongodb://host/?${MARK}=1`],
    ["mongodb://host", MARK],
    ["mongodb://host", { auth: MARK }],
    ["mongodb://host", { auth: { username: MARK } }],
    ["mongodb://host", { [MARK]: 1 }],
    ["mongodb://host", { readPreference: MARK }],
    ["mongodb://host", { writeConcern: MARK }],
    ["mongodb://host", { compressors: MARK }],
    ["mongodb://host", { serverApi: MARK }],
    ["mongodb://host", { authMechanism: MARK, auth: { username: MARK, password: MARK } }],
  ];

  it.each(ways)("%s %j", async (uri, clientOptions) => {
    const options = clientOptions === undefined ? {} : ({ clientOptions } as object);
    const makes = [
      () => MongoDBSaver.fromConnString(uri as string, options),
      () => MongoDBCache.fromConnString(uri as string, options),
      ...(clientOptions === undefined ? [() => MongoDBStore.fromConnString(uri as string)] : []),
    ] as const;
    for (const make of makes) {
      const error = await attemptLater(make);
      expect(error).toMatchObject({ code: "INVALID_OPTIONS" });
      expectNothingSeen(error);
    }
  });

  it("but they name the wrong option", () => {
    const uri = `mongodb://user:${MARK}@host/?maxPoolSize=many`;
    const error = attempt(() => MongoDBSaver.fromConnString(uri));
    expect(String(error)).toContain("Expected maxPoolSize to be stringified int value");
  });
});

it("neither a saver nor its errors show a key", async () => {
  const integrity = { keys: { a: MARK, b: Buffer.from(`${MARK}2`) }, currentKeyId: "a" };
  const saver = database.openSaver({ integrity });
  const config = await putCheckpoint(saver, threadConfig("thread"), makeCheckpoint({ a: 1 }));
  const other = database.openSaver({ integrity: { key: `${MARK}3` } });
  const error = await other.getTuple(config).catch((reason: unknown) => reason);
  expect(IntegrityKeyError.isInstance(error)).toBe(true);
  expectNothingSeen(error);
  expectNothingSeen((saver as unknown as { hasher: unknown }).hasher);
  const cache = new MongoDBCache({ client: database.client, integrity });
  expectNothingSeen((cache as unknown as { codec: unknown }).codec);
  expectNothingSeen((cache as unknown as { settings: unknown }).settings);
});

function withOption(path: string, value: unknown): object {
  const options: Record<string, unknown> = { client: database.client };
  const names = path.split(".");
  let place = options;
  for (const name of names.slice(0, -1)) {
    // With what else has to be there, so that it is this one that is wrong.
    const rest = { integrity: { keys: { a: "0123456789abcdef" } }, indexConfig: { name: "x" } };
    place[name] ??= { ...(rest as Record<string, object>)[name] };
    place = place[name] as Record<string, unknown>;
  }
  place[names.at(-1)!] = value;
  return options;
}

function attempt(make: () => unknown): unknown {
  try {
    make();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function attemptLater(make: () => unknown): Promise<unknown> {
  try {
    await make();
    return undefined;
  } catch (error) {
    return error;
  }
}

function expectNothingSeen(value: unknown): void {
  const shown = [
    inspect(value, { depth: 12, showHidden: true, maxStringLength: null }),
    String(value),
    JSON.stringify(value),
    value instanceof Error ? (value.stack ?? "") : "",
  ].join("\n");
  expect(shown).not.toMatch(SEEN);
  // As inspect shows bytes.
  expect(shown).not.toContain("73 33 63 72 33 74");
}
