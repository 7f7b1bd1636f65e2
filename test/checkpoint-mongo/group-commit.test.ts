import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import type { Document, MongoClientOptions } from "mongodb";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ConnectionLost } from "../network/command-proxy.ts";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { isSave, listUpdates, takeUpdates, type SentUpdate } from "./send-in-parts.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const MANY = 40;

/** A saver that does not try again. */
const ONCE: MongoDBSaverSettings = { retry: { deadlineMs: 0 } };

describe("writes of many threads", () => {
  it("are sent alone and at once if no command is under way", async () => {
    const { saver, listCommands } = await openObserved();
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
    const { saver } = await openWith(async (send, updates) => {
      commands.push(listThreads(updates));
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
    const { saver } = await openWith(async (send) => {
      underWay += 1;
      most = Math.max(most, underWay);
      const result = await send();
      // Longer than it takes to make ready the next ones, also on a busy machine.
      await sleep(500);
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
    const { saver, listCommands } = await openObserved();
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
    const { saver } = await openWith(async (send, updates) => {
      if (JSON.stringify(updates).includes("too-deep")) {
        return { ok: 0, code: 15, errmsg: "the document is nested too deep" };
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
    const { saver } = await openObserved();
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
    const { saver } = await openWith(async (send) => {
      commands += 1;
      // The server carries it out, but its reply never comes.
      const reply = await send();
      if (commands === 1) throw new ConnectionLost();
      return reply;
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
        reason: {
          code: "STORAGE_UNAVAILABLE",
          cause: { message: expect.stringMatching(/closed/) as string },
        },
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
    const { saver } = await openWith((send, updates) => {
      kinds.push(listKinds(updates));
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
      const { saver } = await openWith(async (send, sent, sendOnly) => {
        if (sent.length < 7 || isCut) return send();
        isCut = true;
        await sendOnly(updates);
        throw new ConnectionLost();
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
    const { saver } = await openWith((send, updates) => {
      seen.push(listKinds(updates));
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
    const { saver } = await openWith((send, updates) => {
      kinds.push(listKinds(updates));
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
function listKinds(updates: readonly SentUpdate[]): string[] {
  return updates.map(({ q, upsert }) => {
    if (q["kind"] === "thread") return "fence";
    if (q["task_id"] !== undefined) return "writes";
    return q["kind"] === "checkpoint" && upsert !== true ? "head" : (q["kind"] as string);
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
async function openObserved() {
  let commands: string[][] = [];
  const { saver } = await openWith((send, updates) => {
    commands.push(listThreads(updates));
    return send();
  });
  const listCommands = () => {
    const seen = commands;
    commands = [];
    return seen;
  };
  return { saver, listCommands };
}

function listThreads(updates: readonly SentUpdate[]): string[] {
  return [...new Set(updates.map(({ q }) => q["thread_id"] as string))];
}

/** A saver whose saves go through something of the test's. */
async function openWith(
  carryOut: (
    send: () => Promise<Document>,
    updates: readonly SentUpdate[],
    sendOnly: (count: number) => Promise<unknown>,
  ) => Promise<Document>,
  settings: MongoDBSaverSettings = {},
) {
  // The driver would try again by itself.
  const options: MongoClientOptions = { retryWrites: settings !== ONCE };
  const client = await connectThrough(
    database.uri,
    (command, send) => {
      if (!isSave(command)) return send(command);
      return carryOut(
        () => send(command),
        listUpdates(command),
        async (count) => (count === 0 ? undefined : send(takeUpdates(command, 0, count))),
      );
    },
    options,
  );
  return { saver: new MongoDBSaver({ client, dbName: database.name, ...settings }) };
}
