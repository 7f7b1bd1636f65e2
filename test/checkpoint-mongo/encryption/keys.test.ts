import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  EncryptionKeyError,
  type EncryptionOptions,
  type KeyProvider,
  type MongoDBSaver,
} from "@threadkeep/checkpoint-mongo";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Binary } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { fillThread, WITH_BOTH, WITH_NEW, WITH_OLD } from "./encrypted-threads.ts";

const database = useDatabase();
let prefixes = 0;
/** Each test has collections of its own: savers with different keys do not share one. */
const usePrefix = () => `t${(prefixes += 1)}_`;
const idOf = (config: RunnableConfig) => config.configurable!["thread_id"] as string;

const opener =
  (collectionPrefix = usePrefix()) =>
  (encryption: EncryptionOptions | undefined): MongoDBSaver =>
    database.openSaver({ collectionPrefix, encryption });

/** All that a saver does with a thread. */
const CALLS: Record<string, (saver: MongoDBSaver, config: RunnableConfig) => Promise<unknown>> = {
  getTuple: (saver, config) => saver.getTuple(config),
  list: (saver, config) => Array.fromAsync(saver.list(config)),
  put: (saver, config) =>
    saver.put(config, makeCheckpoint({ items: [1] }), makeMetadata(), { items: 9 }),
  verifyThread: (saver, config) => saver.verifyThread(idOf(config)),
  copyThread: (saver, config) => saver.copyThread(idOf(config), uuid6(0)),
  prune: (saver, config) => saver.prune([idOf(config)], { strategy: "keep_latest" }),
  listLabels: (saver, config) => saver.listLabels(idOf(config)),
  "threads.get": (saver, config) => saver.threads.get(idOf(config)),
  sweep: (saver) => saver.sweep(),
};

async function failOf(promise: Promise<unknown>): Promise<EncryptionKeyError> {
  try {
    await promise;
  } catch (error) {
    if (EncryptionKeyError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("It did not fail.");
}

describe("a saver without the keys", () => {
  const savers: readonly (readonly [string, EncryptionOptions | undefined, object])[] = [
    ["without encryption", undefined, { fault: "no-keys", keyId: "old" }],
    ["with other keys", WITH_NEW, { fault: "unknown-key", keyId: "old", knownKeyIds: ["new"] }],
    [
      "with another key under the same id",
      { keys: { old: WITH_NEW.keys!["new"]! }, currentKeyId: "old" },
      { fault: "another-key", keyId: "old" },
    ],
  ];

  it.each(savers)(
    "%s, reads and changes nothing, and says which key it needs",
    async (_, options, error) => {
      const prefix = usePrefix();
      const openSaver = opener(prefix);
      const config = await fillThread(openSaver(WITH_OLD), uuid6(0), "text");
      await openSaver(WITH_OLD).label(config, { name: "label" });
      const ofThread = { thread_id: idOf(config) };
      const all = () =>
        database.db.collection(`${prefix}threads`).find(ofThread).sort({ _id: 1 }).toArray();
      const before = await all();
      for (const call of Object.values(CALLS)) {
        expect(await failOf(call(openSaver(options), config))).toMatchObject({
          code: "ENCRYPTION_KEY",
          ...error,
        });
      }
      expect(await all()).toEqual(before);
      expect(await openSaver(WITH_OLD).verifyThread(idOf(config))).toMatchObject({ damages: [] });
    },
  );

  it("whose data key is lost or damaged does not call the thread corrupt", async () => {
    const prefix = usePrefix();
    const openSaver = opener(prefix);
    const config = await fillThread(openSaver(WITH_OLD), uuid6(0), "text");
    await openSaver(WITH_OLD).label(config, { name: "label" });
    const keys = database.db.collection<{ wrapped: Binary }>(`${prefix}keys`);
    const own = (await keys.findOne({ thread_id: idOf(config) }))!;
    const wrapped = new Binary(Buffer.from(own.wrapped.buffer));
    wrapped.buffer[40]! ^= 1;
    await keys.updateOne({ _id: own._id }, { $set: { wrapped } });
    for (const [name, call] of Object.entries(CALLS)) {
      if (name === "sweep") continue;
      expect(await failOf(call(openSaver(WITH_OLD), config))).toMatchObject({
        fault: "damaged-data-key",
        keyId: "old",
      });
    }
    await keys.deleteOne({ _id: own._id });
    expect(await failOf(openSaver(WITH_OLD).getTuple(config))).toMatchObject({
      fault: "no-data-key",
    });
    expect(await failOf(openSaver(WITH_OLD).sweep())).toMatchObject({ fault: "no-data-key" });
    await keys.insertOne(own);
    expect(await openSaver(WITH_OLD).getTuple(config)).toBeDefined();
  });

  it("does not open the data key of another thread", async () => {
    const prefix = usePrefix();
    const openSaver = opener(prefix);
    const [one, two] = [
      await fillThread(openSaver(WITH_OLD), uuid6(0), "one"),
      await fillThread(openSaver(WITH_OLD), uuid6(0), "two"),
    ];
    const keys = database.db.collection(`${prefix}keys`);
    const { wrapped } = (await keys.findOne({ thread_id: idOf(two) }))!;
    await keys.updateOne({ thread_id: idOf(one) }, { $set: { wrapped } });
    expect(await failOf(openSaver(WITH_OLD).getTuple(one))).toMatchObject({
      fault: "damaged-data-key",
    });
  });
});

describe("a change of the master key", () => {
  it("lets old threads be read and continued, and rekey goes on where it was ended", async () => {
    const prefix = usePrefix();
    const openSaver = opener(prefix);
    const configs: RunnableConfig[] = [];
    for (let count = 0; count < 6; count += 1) {
      configs.push(await fillThread(openSaver(WITH_OLD), uuid6(0), "text"));
    }
    const threads = database.db.collection(`${prefix}threads`);
    const before = await threads.find({ kind: "segment" }).sort({ _id: 1 }).toArray();
    for (const config of configs) expect(await openSaver(WITH_BOTH).getTuple(config)).toBeDefined();

    // As if the process died: what it was about to do is not done.
    const died = new Error("died");
    const dying = openSaver(WITH_BOTH).rekey({
      onProgress: ({ done, total }) => {
        expect(total).toBe(7);
        if (done === 3) throw died;
      },
    });
    await expect(dying).rejects.toBe(died);
    expect(await failOf(openSaver(WITH_NEW).rekey())).toMatchObject({ keyId: "old" });
    const stop = AbortSignal.abort();
    expect(await openSaver(WITH_BOTH).rekey({ signal: stop })).toMatchObject({
      rewrapped: 0,
      left: 4,
    });
    for (const config of configs) expect(await openSaver(WITH_BOTH).getTuple(config)).toBeDefined();
    expect(await openSaver(WITH_BOTH).rekey()).toEqual({
      keyId: "new",
      rewrapped: 4,
      failed: [],
      left: 0,
    });
    expect(await openSaver(WITH_BOTH).rekey()).toMatchObject({ rewrapped: 0, left: 0 });
    // The old key is not needed any more, and nothing but data keys was changed.
    for (const config of configs) {
      expect(await openSaver(WITH_NEW).verifyThread(idOf(config))).toMatchObject({ damages: [] });
    }
    expect(await threads.find({ kind: "segment" }).sort({ _id: 1 }).toArray()).toEqual(before);
    expect(await failOf(openSaver(WITH_OLD).getTuple(configs[0]!))).toMatchObject({
      fault: "unknown-key",
      keyId: "new",
    });
  });

  it("names the data keys that rekey cannot open, and does the others", async () => {
    const prefix = usePrefix();
    const openSaver = opener(prefix);
    const lost = await fillThread(openSaver(WITH_OLD), uuid6(0), "lost");
    const kept = await fillThread(openSaver(WITH_OLD), uuid6(0), "kept");
    const keys = database.db.collection(`${prefix}keys`);
    await keys.updateOne({ thread_id: idOf(lost) }, { $set: { key_id: "gone" } });
    expect(await openSaver(WITH_BOTH).rekey()).toMatchObject({
      rewrapped: 2,
      left: 1,
      failed: [{ threadId: idOf(lost), error: { keyId: "gone", fault: "unknown-key" } }],
    });
    expect(await openSaver(WITH_NEW).getTuple(kept)).toBeDefined();
  });

  it("is refused by a saver that does not encrypt", async () => {
    await expect(opener()(undefined).rekey()).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

describe("a deleted thread", () => {
  it("cannot be read from a copy of its documents, nor by a later life of its id", async () => {
    const prefix = usePrefix();
    const openSaver = opener(prefix);
    const threadId = uuid6(0);
    const config = await fillThread(openSaver(WITH_OLD), threadId, "text");
    const threads = database.db.collection(`${prefix}threads`);
    const backup = await threads.find({ thread_id: threadId }).toArray();
    await openSaver(WITH_OLD).deleteThread(threadId);
    expect(
      await database.db.collection(`${prefix}keys`).countDocuments({ thread_id: threadId }),
    ).toBe(0);
    await threads.deleteMany({ thread_id: threadId });
    await threads.insertMany(backup);
    expect(await failOf(openSaver(WITH_OLD).getTuple(config))).toMatchObject({
      fault: "no-data-key",
    });
    await openSaver(WITH_OLD).deleteThread(threadId);
    // The id may be used again.
    const next = await fillThread(openSaver(WITH_OLD), threadId, "anew");
    expect(await openSaver(WITH_OLD).getTuple(next)).toBeDefined();
  });
});

describe("a key provider", () => {
  /** Stands for a KMS: it keeps its master key, and counts what it is asked. */
  function makeProvider() {
    const master = randomBytes(32);
    const asked: string[] = [];
    let isDown = false;
    const answer = async (what: string): Promise<void> => {
      asked.push(what);
      await setTimeout(2);
      if (isDown) throw new Error("503 Service Unavailable");
    };
    const provider: KeyProvider = {
      currentKeyId: "arn:aws:kms:eu-central-1:1:key/1",
      wrap: async (dataKey, _keyId, { threadId }) => {
        await answer(`wrap ${threadId ?? "shared"}`);
        const iv = randomBytes(12);
        const cipher = createCipheriv("aes-256-gcm", master, iv).setAAD(
          Buffer.from(threadId ?? ""),
        );
        return Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
      },
      unwrap: async (wrapped, _keyId, { threadId }) => {
        await answer(`unwrap ${threadId ?? "shared"}`);
        const bytes = Buffer.from(wrapped);
        const decipher = createDecipheriv("aes-256-gcm", master, bytes.subarray(0, 12))
          .setAAD(Buffer.from(threadId ?? ""))
          .setAuthTag(bytes.subarray(-16));
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      },
      forget: async (_wrapped, _keyId, { threadId }) => answer(`forget ${threadId}`),
    };
    return { provider, asked, setDown: (down: boolean) => (isDown = down) };
  }

  it("is asked once for each thread of a process, and told of deletions", async () => {
    const { provider: keyProvider, asked } = makeProvider();
    const openSaver = opener();
    const threadId = uuid6(0);
    const saver = openSaver({ keyProvider });
    const config = await fillThread(saver, threadId, "text");
    expect(asked).toEqual([
      "wrap shared",
      "unwrap shared",
      `wrap ${threadId}`,
      `unwrap ${threadId}`,
    ]);
    asked.length = 0;
    const other = openSaver({ keyProvider });
    for (let count = 0; count < 3; count += 1) await other.getTuple(config);
    await other.put(config, makeCheckpoint(), makeMetadata(), {});
    expect(asked).toEqual(["unwrap shared", `unwrap ${threadId}`]);
    asked.length = 0;
    await other.deleteThread(threadId);
    expect(asked).toEqual([`forget ${threadId}`]);
  });

  it("that fails is told apart from damage, and asked again by the next call", async () => {
    const { provider: keyProvider, setDown } = makeProvider();
    const openSaver = opener();
    const config = await fillThread(openSaver({ keyProvider }), uuid6(0), "text");
    const saver = openSaver({ keyProvider });
    await saver.getTuple(threadConfig(uuid6(0)));
    setDown(true);
    expect(await failOf(saver.getTuple(config))).toMatchObject({
      fault: "provider-failed",
      keyId: keyProvider.currentKeyId,
      isFinal: false,
      cause: { message: "503 Service Unavailable" },
    });
    setDown(false);
    expect(await saver.getTuple(config)).toBeDefined();
  });
});

it("a step sends the same commands with encryption as without", async () => {
  const step = async (saver: MongoDBSaver, config: RunnableConfig, version: number) => {
    const values = { items: Array.from({ length: version }, (_, index) => `item ${index}`) };
    const next = await saver.put(config, makeCheckpoint(values), makeMetadata(), {
      items: version,
    });
    await saver.putWrites(next, [["items", "written"]], "task");
    await saver.getTuple(next);
    return next;
  };
  const commands: string[][] = [];
  for (const encryption of [undefined, WITH_OLD]) {
    const saver = opener()(encryption);
    const first = await step(saver, threadConfig(uuid6(0)), 1);
    commands.push(await database.recordCommands(() => step(saver, first, 2)));
  }
  expect(commands[0]!.length).toBeGreaterThan(2);
  expect(commands[1]).toEqual(commands[0]);
});
