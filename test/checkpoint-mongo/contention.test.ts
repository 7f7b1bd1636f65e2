import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver, type WriteConflictError } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Document } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { hashLife } from "../../packages/checkpoint-mongo/src/integrity/hashes.ts";
import { NetworkProxy } from "../network/network-proxy.ts";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { isSave } from "./send-in-parts.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** In each direction. A put that opens its thread sends half a dozen commands. */
const LATENCY_MS = 50;

/** A thread has to get a new expiry after 0.3 s, and to give it one takes 0.4 s. */
const SETTINGS = { dbName: database.name, ttl: 0.6, ttlSlack: 0.5 };

const WRITERS = 6;
const PUTS = 5;

const CALLS = {
  put: (saver: MongoDBSaver, parent: RunnableConfig) =>
    putCheckpoint(saver, parent, makeCheckpoint({ list: ["x"] })),
  putWrites: (saver: MongoDBSaver, parent: RunnableConfig) =>
    saver.putWrites(parent, [["list", "x"]], "task"),
  deleteThread: (saver: MongoDBSaver, { configurable }: RunnableConfig) =>
    saver.deleteThread(configurable!["thread_id"] as string),
};

/** Calls of which each has to know of those before it. */
const CONTENDED = {
  put: CALLS.put,
  putWrites: (saver: MongoDBSaver, parent: RunnableConfig) =>
    saver.putWrites(parent, [["__error__", "x"]], "task"),
};

describe.each(Object.keys(CALLS) as (keyof typeof CALLS)[])("%s", (method) => {
  it("that others get ahead of each time ends at its deadline, with an error that says how often it was tried", async () => {
    const parent = await startThread(`always ${method}`);
    const { saver, count } = await openOvertaken(method, parent, {
      deadlineMs: 1_000,
      times: Infinity,
    });
    const startMs = performance.now();
    const error = await CALLS[method](saver, parent).then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "WRITE_CONFLICT", isFinal: false, attempts: count() });
    const { message, elapsedMs, attempts } = error as WriteConflictError;
    expect(message).toMatch(new RegExp(`^Could not (save|delete) .* ${attempts} attempts in `));
    expect(elapsedMs).toBeGreaterThanOrEqual(1_000);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  it("that others got ahead of once is carried out, also without time for repetitions", async () => {
    const parent = await startThread(`once ${method}`);
    const { saver, count } = await openOvertaken(method, parent, { deadlineMs: 0, times: 1 });
    await CALLS[method](saver, parent);
    expect(count()).toBe(1);
  });
});

it(
  "puts of several writers get through to a thread whose expiry passes while they are under way",
  { timeout: 120_000 },
  async () => {
    const proxy = await NetworkProxy.start(database.uri);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const savers: MongoDBSaver[] = [];
    for (let writer = 0; writer < WRITERS; writer += 1) {
      const client = new MongoClient(proxy.uri);
      onTestFinished(() => client.close());
      const saver = new MongoDBSaver({ client, ...SETTINGS });
      await saver.setup();
      savers.push(saver);
    }
    proxy.setLatency(LATENCY_MS);
    const durations = await Promise.all(
      savers.map((saver, writer) => putSeveral(saver, `task:${writer % 2}`)),
    );
    expect(Math.max(...durations.flat())).toBeLessThan(10_000);
  },
);

describe("a writer that is slower than others who write to the same thread all the time", () => {
  it.each(["put", "putWrites"] as const)(
    "gets through with each %s, long before its deadline",
    { timeout: 120_000 },
    async (method) => {
      const parent = await startThread(`slow ${method}`);
      const rivals = new AbortController();
      const writing = Array.from({ length: 2 }, () => writeUntil(rivals.signal, parent, method));
      const saver = await openSlow();
      const durations: number[] = [];
      try {
        for (let call = 0; call < 3; call += 1) {
          const startMs = performance.now();
          await CONTENDED[method](saver, parent);
          durations.push(performance.now() - startMs);
        }
      } finally {
        rivals.abort();
        await Promise.all(writing);
      }
      // At each attempt, the others get in first. Without a turn, the first call ends at its deadline.
      expect(Math.max(...durations)).toBeLessThan(10_000);
      const { damages } = await database.openSaver().verifyThread(`slow ${method}`);
      expect(damages).toEqual([]);
    },
  );
});

/** A saver on a connection that takes long. */
async function openSlow(): Promise<MongoDBSaver> {
  const proxy = await NetworkProxy.start(database.uri);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const client = new MongoClient(proxy.uri);
  onTestFinished(() => client.close());
  const saver = new MongoDBSaver({ client, dbName: database.name });
  await saver.setup();
  proxy.setLatency(LATENCY_MS);
  return saver;
}

/** Writes to a thread without a pause. */
async function writeUntil(
  signal: AbortSignal,
  parent: RunnableConfig,
  method: keyof typeof CONTENDED,
): Promise<void> {
  const saver = database.openSaverElsewhere();
  while (!signal.aborted) await CONTENDED[method](saver, parent);
}

/** A thread with one checkpoint. */
function startThread(threadId: string): Promise<RunnableConfig> {
  return putCheckpoint(database.openSaver(), threadConfig(threadId), makeCheckpoint({ list: [] }));
}

/** Whether a command is the one by which a call changes its thread. */
function isChangeBy(method: keyof typeof CALLS, command: Document): boolean {
  return method === "deleteThread" ? "findAndModify" in command : isSave(command);
}

/** A saver whose thread gets into another life whenever it is about to change the thread. */
async function openOvertaken(
  method: keyof typeof CALLS,
  { configurable }: RunnableConfig,
  { deadlineMs, times }: { readonly deadlineMs: number; readonly times: number },
): Promise<{ readonly saver: MongoDBSaver; readonly count: () => number }> {
  const threadId = configurable!["thread_id"] as string;
  const records = database.documents<{ _id: string }>("thread");
  let epoch = 0;
  const client = await connectThrough(database.uri, async (command, send) => {
    if (epoch < times && isChangeBy(method, command)) {
      epoch += 1;
      const $set = { epoch, life: hashLife(threadId, epoch) };
      await records.updateOne({ _id: threadId }, { $set });
    }
    return send(command);
  });
  const saver = new MongoDBSaver({ client, dbName: database.name, retry: { deadlineMs } });
  await saver.setup();
  return { saver, count: () => epoch };
}

/** @returns how long each put took */
async function putSeveral(saver: MongoDBSaver, namespace: string): Promise<readonly number[]> {
  const root = threadConfig("expiring", { namespace });
  const durations: number[] = [];
  for (let put = 0; put < PUTS; put += 1) {
    const parent = (await saver.getTuple(root))?.config ?? root;
    const startMs = performance.now();
    await putCheckpoint(saver, parent, makeCheckpoint({ list: ["x".repeat(500)] }));
    durations.push(performance.now() - startMs);
    await sleep(2 * LATENCY_MS);
  }
  return durations;
}
