import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import {
  MongoClient,
  MongoServerError,
  type AnyBulkWriteOperation,
  type Collection,
} from "mongodb";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { interceptCollections } from "./intercept-collections.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const MANY = 40;

/** A saver that does not try again. */
const ONCE: MongoDBSaverSettings = { retry: { deadlineMs: 0 } };

describe("writes of many threads", () => {
  it("are sent alone and at once if no command is under way", async () => {
    const { saver, listCommands } = openObserved();
    for (const threadId of ["alone-1", "alone-2"]) await startThread(saver, threadId);
    expect(listCommands()).toEqual([["alone-1"], ["alone-2"]]);
  });

  it("that come at the same time, or while a command is under way, are sent together", async () => {
    const threadIds = nameThreads("together");
    const [first, second] = [threadIds.slice(0, 10), threadIds.slice(10)];
    const commands: string[][] = [];
    let others: Promise<unknown> | undefined;
    const start = (of: readonly string[]) =>
      Promise.all(of.map((threadId) => startThread(saver, threadId)));
    const { saver } = openWith(async (send, operations) => {
      commands.push(listThreads(operations));
      const result = await send();
      others ??= start(second);
      // The reply takes its time.
      await sleep(50);
      return result;
    });
    // Each is found to be new, so that nothing but the puts is left to do.
    await Promise.all(threadIds.map((threadId) => saver.getTuple(threadConfig(threadId))));
    await start(first);
    await others;
    expect(commands).toEqual([first, second]);
    await expectWhole(threadIds);
  });

  it.each([
    ["one command that they share", { a: "small" }, 1],
    ["four with large ones", { a: randomBytes(1_200_000).toString("base64") }, 4],
  ])("have at most %s under way", async (what, state, expected) => {
    let underWay = 0;
    let most = 0;
    const { saver } = openWith(async (send) => {
      underWay += 1;
      most = Math.max(most, underWay);
      const result = await send();
      underWay -= 1;
      return result;
    });
    const threadIds = nameThreads(what).slice(0, 12);
    await Promise.all(
      threadIds.map((threadId) =>
        putCheckpoint(saver, threadConfig(threadId), makeCheckpoint(state, { id: "1" })),
      ),
    );
    expect(most).toBe(expected);
    await expectWhole(threadIds, state);
  });

  it("of which some meet a conflict are all stored: those are repeated, the others are done one command later", async () => {
    const { saver, listCommands } = openObserved();
    const threadIds = nameThreads("conflict");
    const configs = await Promise.all(threadIds.map((threadId) => startThread(saver, threadId)));
    const stale = threadIds.filter((_, index) => index % 10 === 5);
    // Another process begins these threads' next life, which this one does not know of.
    for (const threadId of stale) await database.openSaverElsewhere().deleteThread(threadId);
    listCommands();
    const next = configs.map((config) =>
      putCheckpoint(saver, config, makeCheckpoint({ a: 2 }, { id: "2" })),
    );
    await Promise.all(next);
    const commands = listCommands();
    for (const threadId of threadIds) {
      const sent = commands.filter((of) => of.includes(threadId)).length;
      // Its own try, and one more for each conflict that ended the command that it was in. One that
      // met a conflict itself looks again, and repeats.
      expect(sent).toBeLessThanOrEqual(1 + stale.length + (stale.includes(threadId) ? 2 : 0));
    }
    await expectWhole(threadIds, { a: 2 });
  });

  it("are stored but for one that cannot be stored", async () => {
    // The server turns down every command that holds the thread, without saying which update it was.
    const { saver } = openWith(async (send, operations) => {
      if (JSON.stringify(operations).includes("too-deep")) {
        throw new MongoServerError({ message: "the document is nested too deep", code: 15 });
      }
      return send();
    });
    const threadIds = nameThreads("refused");
    const outcomes = await Promise.allSettled(
      ["too-deep", ...threadIds].map((threadId) => startThread(saver, threadId)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      "rejected",
      ...threadIds.map(() => "fulfilled"),
    ]);
    expect(outcomes[0]).toMatchObject({ reason: { code: "STORAGE_REFUSED", cause: { code: 15 } } });
    await expectWhole(threadIds);
  });

  it("do not wait for a large one", async () => {
    const { saver } = openObserved();
    const threadIds = nameThreads("small");
    await Promise.all([...threadIds, "large"].map((threadId) => startThread(saver, threadId)));
    const ended: string[] = [];
    const put = async (threadId: string, state: Record<string, unknown>) => {
      const checkpoint = makeCheckpoint(state, { id: "2", versions: { list: 2, a: 2 } });
      await putCheckpoint(saver, threadConfig(threadId, { checkpointId: "1" }), checkpoint);
      ended.push(threadId);
    };
    const list = Array.from({ length: 30 }, () => randomBytes(500_000).toString("base64"));
    await Promise.all([
      put("large", { list }),
      ...threadIds.map((threadId) => put(threadId, { a: 2 })),
    ]);
    expect(ended.at(-1)).toBe("large");
    await expectWhole(threadIds, { a: 2 });
    await expectWhole(["large"], { list });
  });

  it("all fail when the connection is lost, and none is acknowledged that is not stored", async () => {
    let commands = 0;
    const { saver } = openWith(async (send) => {
      commands += 1;
      // The server carries it out, but its reply never comes.
      if (commands !== 1) return send();
      await send();
      throw Object.assign(new Error("connection 7 closed"), { name: "MongoNetworkError" });
    }, ONCE);
    const threadIds = nameThreads("lost");
    await Promise.all(threadIds.map((threadId) => saver.getTuple(threadConfig(threadId))));
    const outcomes = await Promise.allSettled(
      threadIds.map((threadId) => startThread(saver, threadId)),
    );
    const failed = outcomes.filter(({ status }) => status === "rejected");
    expect(failed.length).toBeGreaterThan(1);
    for (const outcome of failed)
      expect(outcome).toMatchObject({
        reason: { code: "STORAGE_UNAVAILABLE", cause: { name: "MongoNetworkError" } },
      });
    // Repeating what failed is safe: it is there once.
    await Promise.all(threadIds.map((threadId) => startThread(saver, threadId)));
    await expectWhole(threadIds);
    for (const threadId of threadIds) {
      const found = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
      expect(found).toHaveLength(1);
    }
  });
});

describe("a checkpoint and its parent's pending writes", () => {
  const children = { a: 2 };

  /** Puts the child right after the writes, as LangGraph does. */
  async function goOn(saver: MongoDBSaver, threadId: string) {
    const parent = await startThread(saver, threadId);
    const next = makeCheckpoint(children, { id: "2" });
    await Promise.all([
      saver.putWrites(parent, [["a", 2]], "task"),
      putCheckpoint(saver, parent, next),
    ]);
    return parent;
  }

  it("are one command, in which the writes come first", async () => {
    const kinds: string[][] = [];
    const { saver } = openWith((send, operations) => {
      kinds.push(listKinds(operations));
      return send();
    });
    await goOn(saver, "pipelined");
    expect(kinds.at(-1)).toEqual([
      "fence",
      "writes",
      "fence",
      "fence",
      "checkpoint",
      "head",
      "fence",
    ]);
    expect(kinds).toHaveLength(2);
  });

  it("are never seen in the other order, wherever the command ends", async () => {
    for (let updates = 0; updates <= 7; updates += 1) {
      const threadId = `ends-after-${updates}`;
      let isCut = false;
      const { saver } = openWith(async (send, operations, sendOnly) => {
        if (operations.length < 7 || isCut) return send();
        isCut = true;
        await sendOnly(updates);
        throw Object.assign(new Error("connection 7 closed"), { name: "MongoNetworkError" });
      }, ONCE);
      const parent = await startThread(saver, threadId);
      const child = makeCheckpoint(children, { id: "2" });
      await Promise.allSettled([
        saver.putWrites(parent, [["a", 2]], "task"),
        putCheckpoint(saver, parent, child),
      ]);
      const reader = database.openSaverElsewhere();
      const [latest, before] = await Promise.all([
        reader.getTuple(threadConfig(threadId)),
        reader.getTuple(parent),
      ]);
      const areWritesThere = before?.pendingWrites?.length === 1;
      expect(latest?.checkpoint.id === "2" && !areWritesThere).toBe(false);
      expect(latest?.checkpoint.id).toBe(updates >= 5 ? "2" : "1");
      expect(areWritesThere).toBe(updates >= 2);
    }
  });

  it("keep this order if the writes meet a conflict and are repeated", async () => {
    const threadId = "writes-conflict";
    let seen: string[][] = [];
    const { saver } = openWith((send, operations) => {
      seen.push(listKinds(operations));
      return send();
    });
    const parent = await startThread(saver, threadId);
    // The thread's next life begins behind its back: what this process knows of it is old.
    await database.openSaverElsewhere().deleteThread(threadId);
    seen = [];
    await Promise.all([
      saver.putWrites(parent, [["a", 2]], "task"),
      putCheckpoint(saver, parent, makeCheckpoint(children, { id: "2" })),
    ]);
    const stored = seen.slice(1).flat();
    expect(stored.indexOf("writes")).toBeGreaterThanOrEqual(0);
    expect(stored.indexOf("writes")).toBeLessThan(stored.indexOf("checkpoint"));
    await expectWhole([threadId], children);
  });

  it("wait for each other where some of the writes may be stored in a further round", async () => {
    const kinds: string[][] = [];
    const { saver } = openWith((send, operations) => {
      kinds.push(listKinds(operations));
      return send();
    });
    const parent = await startThread(saver, "further-round");
    await saver.putWrites(parent, [["a", 1]], "task");
    kinds.length = 0;
    const more = [
      ["a", 1],
      ["a", 2],
    ] satisfies [string, unknown][];
    await Promise.all([
      saver.putWrites(parent, more, "task"),
      putCheckpoint(saver, parent, makeCheckpoint(children, { id: "2" })),
    ]);
    expect(kinds.map((of) => of.includes("checkpoint"))).toEqual([false, false, true]);
    const tuple = await database.openSaverElsewhere().getTuple(parent);
    expect(tuple?.pendingWrites).toEqual([
      ["task", "a", 1],
      ["task", "a", 2],
    ]);
  });
});

/** What each update of a command is for. */
function listKinds(operations: readonly AnyBulkWriteOperation[]): string[] {
  const sent = operations as unknown as readonly {
    updateOne: { filter: { kind?: string; task_id?: string }; upsert: boolean };
  }[];
  return sent.map(({ updateOne: { filter, upsert } }) => {
    if (filter.kind === "thread") return "fence";
    if (filter.task_id !== undefined) return "writes";
    return filter.kind === "checkpoint" && !upsert ? "head" : filter.kind!;
  });
}

function nameThreads(prefix: string): string[] {
  return Array.from({ length: MANY }, (_, index) => `${prefix}-${index}`);
}

function startThread(saver: MongoDBSaver, threadId: string) {
  return putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1 }, { id: "1" }));
}

async function expectWhole(
  threadIds: readonly string[],
  state: Record<string, unknown> = { a: 1 },
): Promise<void> {
  const reader = database.openSaverElsewhere();
  for (const threadId of threadIds) {
    const tuple = await reader.getTuple(threadConfig(threadId));
    expect(tuple?.checkpoint.channel_values).toEqual(state);
    expect((await reader.verifyThread(threadId)).damages).toEqual([]);
  }
}

/** A saver of which is known which threads each of its writing commands was for. */
function openObserved() {
  let commands: string[][] = [];
  const { saver } = openWith(async (send, operations) => {
    commands.push(listThreads(operations));
    return send();
  });
  const listCommands = () => {
    const seen = commands;
    commands = [];
    return seen;
  };
  return { saver, listCommands };
}

function listThreads(operations: readonly AnyBulkWriteOperation[]): string[] {
  const sent = operations as unknown as readonly { updateOne: { filter: { thread_id: string } } }[];
  return [...new Set(sent.map(({ updateOne }) => updateOne.filter.thread_id))];
}

type Send = () => ReturnType<Collection["bulkWrite"]>;

/** A saver whose commands go through something of the test's. */
function openWith(
  carryOut: (
    send: Send,
    operations: readonly AnyBulkWriteOperation[],
    sendOnly: (count: number) => Promise<unknown>,
  ) => ReturnType<Send>,
  settings: MongoDBSaverSettings = {},
) {
  const client = new MongoClient(database.uri);
  onTestFinished(() => client.close());
  interceptCollections(client, (collection) => {
    const send = collection.bulkWrite.bind(collection);
    collection.bulkWrite = (operations, options) =>
      carryOut(
        () => send(operations, options),
        operations,
        async (count) => (count === 0 ? undefined : send(operations.slice(0, count), options)),
      );
  });
  return { saver: new MongoDBSaver({ client, dbName: database.name, ...settings }) };
}
