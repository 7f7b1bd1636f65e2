import { ERROR, INTERRUPT, RESUME, uuid6 } from "@langchain/langgraph-checkpoint";
import {
  InvalidOptionsError,
  LeaseLostError,
  MongoDBSaver,
  StorageUnavailableError,
  ThreadLeasedError,
  UnserializableStateError,
  installShutdownHooks,
  type MongoDBSaverSettings,
  type SaverEvent,
} from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { nameCommand, NetworkProxy } from "../network/network-proxy.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { listItems, putSteps } from "./put-steps.ts";
import { useDatabase } from "./use-database.ts";

vi.setConfig({ testTimeout: 60_000 });

const database = useDatabase();
const FIXTURE = fileURLToPath(new URL("write-behind.fixture.ts", import.meta.url));

/** Savers of one process. */
function startProcess(client: MongoClient = database.client) {
  const process = asNewProcess(client);
  return (settings: MongoDBSaverSettings = {}) =>
    new MongoDBSaver({ client: process, dbName: database.name, batch: {}, ...settings });
}

/** Does something as another worker, that is no part of the work of a lease. */
const elsewhere: <T>(act: () => T) => T = AsyncLocalStorage.snapshot();

const openBuffered = (settings?: MongoDBSaverSettings) => startProcess()(settings);

const count = (threadId: string, kind: "checkpoint" | "writes" | "segment" = "checkpoint") =>
  database.documents(kind).countDocuments({ thread_id: threadId });

const catchError = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What another process finds. */
async function expectWhole(threadId: string, steps: number): Promise<void> {
  const reader = database.openSaverElsewhere();
  const tuples = await Array.fromAsync(reader.list(threadConfig(threadId)));
  expect(tuples.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual(
    Array.from({ length: steps }, (_, index) => listItems(steps - index)),
  );
  // Each checkpoint but the latest has the pending write that comes before its child.
  for (const { pendingWrites } of tuples.slice(1)) expect(pendingWrites).toHaveLength(1);
  expect((await reader.verifyThread(threadId)).damages).toEqual([]);
}

describe("with write-behind", () => {
  it("steps return before they are stored, and a flush stores them with one command", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered();
    const config = await putSteps(saver, threadId, 1);
    await saver.flush();
    const before = await database.recordCommands(() =>
      putSteps(saver, threadId, 5, { from: 1, config }),
    );
    expect(before).toEqual([]);
    expect(await count(threadId)).toBe(1);
    expect(await database.recordCommands(() => saver.flush())).toEqual(["update"]);
    await expectWhole(threadId, 6);
  });

  it("calls at once, in any order, wait for none that waits for them", async () => {
    const threadId = uuid6(0);
    const open = startProcess();
    const [saver, other] = [open(), open({ batch: undefined })];
    const root = await putSteps(saver, threadId, 1);
    const write = (by: MongoDBSaver, task: string) => by.putWrites(root, [["list", task]], task);
    const versions = { list: 2 };
    await Promise.all([
      write(saver, "a"),
      write(other, "b"),
      putCheckpoint(saver, root, makeCheckpoint({ list: [...listItems(2)] }, { versions })),
      write(saver, "c"),
      write(other, "d"),
    ]);
    await saver.flush();
    const tuple = await database.openSaverElsewhere().getTuple(root);
    expect(tuple?.pendingWrites?.map(([task]) => task).toSorted()).toEqual(["a", "b", "c", "d"]);
    expect((await other.verifyThread(threadId)).damages).toEqual([]);
  });

  it("a step stores only what it adds, as without", async () => {
    const [plain, buffered] = [uuid6(0), uuid6(0)];
    await putSteps(database.openSaver(), plain, 12);
    const saver = openBuffered({ batch: { maxCheckpoints: 5 } });
    await putSteps(saver, buffered, 12);
    await saver.flush();
    await expectWhole(buffered, 12);
    for (const kind of ["checkpoint", "writes", "segment"] as const) {
      expect(await count(buffered, kind)).toBe(await count(plain, kind));
    }
  });

  it("reads see what is buffered, also those of other savers of the client", async () => {
    const threadId = uuid6(0);
    const open = startProcess();
    const [saver, other] = [open(), open({ batch: undefined })];
    await putSteps(saver, threadId, 3);
    expect((await other.getTuple(threadConfig(threadId)))?.checkpoint.channel_values).toEqual({
      list: listItems(3),
    });
    const config = await putSteps(open(), threadId, 1, {
      from: 3,
      config: (await saver.getTuple(threadConfig(threadId)))!.config,
    });
    expect(await Array.fromAsync(other.list(threadConfig(threadId)))).toHaveLength(4);
    await putSteps(saver, threadId, 1, { from: 4, config });
    expect((await other.verifyThread(threadId)).checkpoints).toBe(5);
    await expectWhole(threadId, 5);
  });

  it("stores by itself after so many checkpoints, and after the delay", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered({ batch: { maxCheckpoints: 3, maxDelayMs: 500 } });
    const config = await putSteps(saver, threadId, 3);
    expect(await count(threadId)).toBe(3);
    await putSteps(saver, threadId, 1, { from: 3, config });
    expect(await count(threadId)).toBe(3);
    await vi.waitFor(async () => expect(await count(threadId)).toBe(4), { timeout: 10_000 });
  });

  it("holds no more in memory than maxBytes, of all threads together", async () => {
    const ids = Array.from({ length: 4 }, () => uuid6(0));
    const saver = openBuffered({ batch: { maxBytes: 10_000 } });
    for (const threadId of ids) await putSteps(saver, threadId, 5);
    expect(await count(ids[0]!)).toBeGreaterThan(0);
    await saver.flush();
    for (const threadId of ids) await expectWhole(threadId, 5);
  });

  it.each([ERROR, INTERRUPT, RESUME])(
    "what people wait for is stored at once, with what comes before: %s",
    async (channel) => {
      const threadId = uuid6(0);
      const saver = openBuffered();
      const config = await putSteps(saver, threadId, 2);
      await saver.putWrites(config, [[channel, "value"]], "task");
      expect(await count(threadId)).toBe(2);
      expect(await count(threadId, "writes")).toBe(2);
    },
  );

  it("close stores what is buffered, and so do await using and the shutdown hooks", async () => {
    const ids = [uuid6(0), uuid6(0), uuid6(0)] as const;
    const closed = openBuffered();
    await putSteps(closed, ids[0], 2);
    await closed.close();
    {
      await using used = openBuffered();
      await putSteps(used, ids[1], 2);
    }
    const ended = openBuffered();
    const hooks = installShutdownHooks(ended, { exit: false });
    await putSteps(ended, ids[2], 2);
    expect(await hooks.shutDown("test")).toMatchObject({ isComplete: true, unsaved: [] });
    hooks.uninstall();
    for (const threadId of ids) await expectWhole(threadId, 2);
  });

  it("a process that is killed loses at most what is buffered, and leaves a thread that is whole", async () => {
    const threadId = uuid6(0);
    const args = ["--conditions=@threadkeep/source", FIXTURE, database.uri, database.name];
    const child = spawn(process.execPath, [...args, threadId, "11"], { stdio: "inherit" });
    const [, signal] = (await once(child, "close")) as [unknown, string];
    expect(signal).toBe("SIGKILL");
    // Four at a time: two batches are stored, and three checkpoints were buffered.
    await expectWhole(threadId, 8);
  });

  it("loses nothing if another process writes to the thread meanwhile", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered();
    const other = database.openSaverElsewhere();
    const root = await putSteps(saver, threadId, 1);
    await saver.flush();
    await putSteps(saver, threadId, 3, { from: 1, config: root });
    await other.putWrites(root, [["list", "of the other"]], "other");
    await putCheckpoint(
      other,
      root,
      makeCheckpoint({ list: ["branch"] }, { versions: { list: 9 } }),
    );
    await saver.flush();
    const tuples = await Array.fromAsync(other.list(threadConfig(threadId)));
    expect(tuples.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual([
      listItems(4),
      listItems(3),
      listItems(2),
      ["branch"],
      listItems(1),
    ]);
    expect(tuples.map(({ pendingWrites }) => pendingWrites?.length)).toEqual([0, 1, 1, 0, 2]);
    expect((await other.verifyThread(threadId)).damages).toEqual([]);
  });

  it("forks, rollbacks, updates and deletions come after what is buffered", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered();
    const root = await putSteps(saver, threadId, 1);
    await putSteps(saver, threadId, 3, { from: 1, config: root });
    // Not the latest of what is buffered.
    await putCheckpoint(saver, root, makeCheckpoint({ list: ["fork"] }, { versions: { list: 9 } }));
    await saver.update(threadId, ({ list }) => ({ list: [...(list as string[]), "update"] }));
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig(threadId));
    expect(tuple?.checkpoint.channel_values["list"]).toEqual(["fork", "update"]);
    await putSteps(saver, threadId, 2, { from: 4, config: tuple!.config });
    await saver.rollback(threadId, { to: { steps: 3 } });
    const rolledBack = await saver.getTuple(threadConfig(threadId));
    expect(rolledBack?.checkpoint.channel_values["list"]).toEqual(["fork"]);
    await putSteps(saver, threadId, 2, { from: 6, config: rolledBack!.config });
    await saver.deleteThread(threadId);
    await saver.flush();
    expect(await database.readAll(threadId)).toMatchObject([{ kind: "thread" }]);
  });

  it("refuses at once what could not be stored faithfully, and keeps the rest", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered();
    const config = await putSteps(saver, threadId, 2);
    const wrong = putCheckpoint(saver, config, makeCheckpoint({ list: [() => 1] }));
    expect(UnserializableStateError.isInstance(await catchError(wrong))).toBe(true);
    await putSteps(saver, threadId, 1, { from: 2, config });
    await saver.flush();
    await expectWhole(threadId, 3);
  });

  it("a thread that expires soon, or whose expiry others move meanwhile, keeps all of it", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered({ ttl: 30 });
    const other = database.openSaverElsewhere();
    const config = await putSteps(saver, threadId, 3);
    await saver.flush();
    await other.setRetention(threadId, { ttlSeconds: 3_600 });
    await putSteps(saver, threadId, 2, { from: 3, config });
    await other.setRetention(threadId, { ttlSeconds: 7_200 });
    await saver.flush();
    await expectWhole(threadId, 5);
  });
});

describe("what cannot be stored", () => {
  it("since another worker has the lease, is told to the next call and by an event, once", async () => {
    const threadId = uuid6(0);
    const events: SaverEvent[] = [];
    const saver = openBuffered({
      batch: { maxDelayMs: 200 },
      onEvent: (event) => events.push(event),
    });
    const config = await putSteps(saver, threadId, 1);
    await saver.flush();
    const other = database.openSaverElsewhere();
    await other.withLease(threadId, async () => {
      await elsewhere(() => putSteps(saver, threadId, 2, { from: 1, config }));
      await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 10_000 });
    });
    expect(events).toMatchObject([
      { type: "flush-failed", threadId, checkpoints: 2, isKept: false },
    ]);
    const next = await catchError(putSteps(saver, threadId, 1, { from: 3, config }));
    expect(ThreadLeasedError.isInstance(next)).toBe(true);
    await saver.flush();
    await putSteps(saver, threadId, 1, { from: 1, config });
    await saver.flush();
    await expectWhole(threadId, 2);
  });

  it("is nothing, if only the reply to the flush is lost: all is there once", async () => {
    const threadId = uuid6(0);
    const network = await NetworkProxy.start(database.uri);
    const client = new MongoClient(network.uri);
    onTestFinished(async () => {
      await client.close();
      await network[Symbol.asyncDispose]();
    });
    const saver = startProcess(client)();
    const config = await putSteps(saver, threadId, 1);
    await saver.flush();
    await putSteps(saver, threadId, 4, { from: 1, config });
    const lost = network.loseReply(nameCommand("update"));
    await saver.flush();
    await lost;
    await expectWhole(threadId, 5);
  });

  it("since the database is out of reach, is kept: flush throws, and stores it later", async () => {
    const threadId = uuid6(0);
    const network = await NetworkProxy.start(database.uri);
    const client = new MongoClient(network.uri);
    onTestFinished(async () => {
      network.reset();
      await client.close();
      await network[Symbol.asyncDispose]();
    });
    const events: SaverEvent[] = [];
    const saver = startProcess(client)({
      retry: { deadlineMs: 0 },
      operationTimeoutMs: 500,
      onEvent: (event) => events.push(event),
    });
    const config = await putSteps(saver, threadId, 1);
    await saver.flush();
    const latest = await putSteps(saver, threadId, 2, { from: 1, config });
    // The driver sends it twice.
    for (let index = 0; index < 4; index += 1) network.hold(nameCommand("update"));
    expect(StorageUnavailableError.isInstance(await catchError(saver.flush()))).toBe(true);
    expect(events).toMatchObject([{ type: "flush-failed", isKept: true, checkpoints: 2 }]);
    const read = await catchError(saver.getTuple(threadConfig(threadId)));
    expect(read === undefined || StorageUnavailableError.isInstance(read)).toBe(true);
    await vi.waitFor(() => saver.flush(), { timeout: 30_000 });
    await putSteps(saver, threadId, 1, { from: 3, config: latest });
    await saver.flush();
    await expectWhole(threadId, 4);
  });
});

describe("a lease with write-behind", () => {
  it("ends when all is stored that was put under it", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered();
    await saver.withLease(threadId, async () => {
      await putSteps(saver, threadId, 3);
      expect(await count(threadId)).toBe(0);
    });
    await expectWhole(threadId, 3);
  });

  it("that is lost loses what was buffered, and says so", async () => {
    const threadId = uuid6(0);
    const events: SaverEvent[] = [];
    const saver = openBuffered({ onEvent: (event) => events.push(event) });
    const root = await putSteps(saver, threadId, 1);
    await saver.flush();
    const work = saver.withLease(threadId, async () => {
      await putSteps(saver, threadId, 2, { from: 1, config: root });
      const over = { $set: { held_until: new Date(0) } };
      await database.documents<{ _id: string }>("thread").updateOne({ _id: threadId }, over);
      const other = database.openSaverElsewhere();
      await elsewhere(() => other.withLease(threadId, () => Promise.resolve()));
    });
    expect(LeaseLostError.isInstance(await catchError(work))).toBe(true);
    expect(events).toMatchObject([{ type: "flush-failed", isKept: false, checkpoints: 2 }]);
    await expectWhole(threadId, 1);
  });
});

it.each<MongoDBSaverSettings>([
  { batch: {}, concurrency: "reject" },
  { batch: {}, persist: "exit" },
  { batch: {}, verifyAfterSave: true },
  { batch: {}, witness: true },
  { batch: { maxDelayMs: 60_001 } },
  { batch: { maxCheckpoints: 0 } },
  { batch: { maxCheckpoint: 3 } as object },
])("options that do not go together with write-behind are refused: %j", (settings) => {
  const open = () => new MongoDBSaver({ client: database.client, ...settings });
  expect(open).toThrow(InvalidOptionsError);
  expect(open).toThrow(/batch/);
});
