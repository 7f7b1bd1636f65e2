import { MongoDBSaver, MongoDBStore, StorageUnavailableError } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  makeCheckpoint,
  putCheckpoint,
  threadConfig,
} from "../checkpoint-mongo/make-checkpoint.ts";
import { RestartableServer } from "./restartable-server.ts";

vi.setConfig({ testTimeout: 60_000 });

/** As many give up on a server: before the saver does. */
const clientOptions = { serverSelectionTimeoutMS: 1_000 };
const impatient = { retry: { deadlineMs: 4_000 } };

let server: RestartableServer;

beforeAll(async () => {
  server = await RestartableServer.start();
});

beforeEach(() => server.kill());

afterAll(() => server.remove());

async function expectUse(saver: MongoDBSaver, threadId: string): Promise<void> {
  await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1 }));
  expect(await saver.getTuple(threadConfig(threadId))).toBeDefined();
}

describe("a server that is down at the first call", () => {
  it("and comes up in time is waited for", async () => {
    await using saver = MongoDBSaver.fromConnString(server.uri, { clientOptions });
    const used = expectUse(saver, "waited");
    await sleep(1_000);
    await server.restart();
    await used;
  });

  it("is named with attempts, time and advice, and the saver works as soon as it is up", async () => {
    await using saver = MongoDBSaver.fromConnString(server.uri, { clientOptions, ...impatient });
    for (let call = 1; call <= 2; call += 1) {
      const error: unknown = await saver
        .getTuple(threadConfig("t"))
        .catch((thrown: unknown) => thrown);
      expect(StorageUnavailableError.isInstance(error)).toBe(true);
      const { attempts, elapsedMs, message, cause } = error as StorageUnavailableError;
      expect(attempts).toBeGreaterThan(1);
      expect(elapsedMs).toBeLessThan(10_000);
      expect(cause).toBeInstanceOf(Error);
      for (const part of [`${attempts} times`, "retry.deadlineMs", "repeat the call"]) {
        expect(message).toContain(part);
      }
    }
    await server.restart();
    await expectUse(saver, "owned");
  });

  it("does not spoil a client of the user's, nor a store on it", async () => {
    const client = new MongoClient(server.uri, clientOptions);
    const saver = new MongoDBSaver({ client, ...impatient });
    const store = new MongoDBStore({ client, ...impatient });
    await expect(expectUse(saver, "shared")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await expect(store.get(["a"], "b")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await server.restart();
    await expectUse(saver, "shared");
    await store.put(["a"], "b", { c: 1 });
    await client.close();
    // Closed is closed: it is not for us to connect it again.
    await expect(expectUse(saver, "shared")).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
    await expect(store.get(["a"], "b")).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
  });

  it("is told without the password", async () => {
    const { host } = new URL(server.uri);
    const uri = `mongodb://someone:very-secret@${host}/?authSource=admin`;
    await using saver = MongoDBSaver.fromConnString(uri, { clientOptions, ...impatient });
    const error: unknown = await saver.setup().catch((thrown: unknown) => thrown);
    expect(StorageUnavailableError.isInstance(error)).toBe(true);
    expect(inspect(error, { depth: 5 })).not.toContain("very-secret");
  });
});
