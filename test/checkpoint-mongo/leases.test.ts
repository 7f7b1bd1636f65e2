import { uuid6 } from "@langchain/langgraph-checkpoint";
import { AIMessage } from "@langchain/core/messages";
import { Annotation, StateGraph } from "@langchain/langgraph";
import {
  InvalidOptionsError,
  LeaseLostError,
  MongoDBSaver,
  ThreadLeasedError,
  withExclusiveThreads,
} from "@threadkeep/checkpoint-mongo";
import { createAgent, fakeModel } from "langchain";
import { AsyncLocalStorage } from "node:async_hooks";
import type { CommandStartedEvent } from "mongodb";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { ServerTime, setOwnClock } from "./server-time.ts";
import { useDatabaseThrough } from "./use-database.ts";

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);

afterEach(() => time.reset());

const openSaver = () => database.openSaverElsewhere();

/** Does something as another worker, that is no part of the work of a lease. */
const elsewhere: <T>(act: () => T) => T = AsyncLocalStorage.snapshot();

async function countCheckpoints(threadId: string): Promise<number> {
  let count = 0;
  for await (const _ of database.openSaver().list(threadConfig(threadId))) count += 1;
  return count;
}

/** Gives what something throws. */
function catchError(act: Promise<unknown>): Promise<unknown> {
  return act.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
}

describe("while a worker has the lease of a thread", () => {
  it("its own writes are stored, and those of others are refused and leave nothing", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    const root = await putCheckpoint(other, threadConfig(threadId), makeCheckpoint());
    await saver.withLease(threadId, async () => {
      // The other one knows the thread, and nothing but the holder is in its way.
      const first = elsewhere(() => putCheckpoint(other, root, makeCheckpoint()));
      expect(ThreadLeasedError.isInstance(await catchError(first))).toBe(true);
      const own = await putCheckpoint(saver, root, makeCheckpoint());
      await saver.putWrites(own, [["a", 1]], "task");
      const refused = await catchError(
        elsewhere(() => putCheckpoint(other, root, makeCheckpoint())),
      );
      expect(ThreadLeasedError.isInstance(refused)).toBe(true);
      expect(refused).toMatchObject({ threadId, until: expect.any(Date) as Date, isFinal: false });
      expect(
        await catchError(elsewhere(() => other.putWrites(own, [["a", 1]], "other"))),
      ).toMatchObject({
        code: "THREAD_LEASED",
      });
      expect(await catchError(elsewhere(() => other.withLease(threadId, sleepNot)))).toMatchObject({
        code: "THREAD_LEASED",
      });
      // Reads and other threads are free.
      expect((await other.getTuple(threadConfig(threadId)))?.config).toEqual(own);
      await elsewhere(() => putCheckpoint(other, threadConfig(uuid6(0)), makeCheckpoint()));
    });
    expect(await countCheckpoints(threadId)).toBe(2);
    await putCheckpoint(other, root, makeCheckpoint());
    expect(await countCheckpoints(threadId)).toBe(3);
  });

  it("writes in the same process that are not part of its work are refused", async () => {
    const threadId = uuid6(0);
    const saver = openSaver();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const leased = saver.withLease(threadId, () => {
      begun.resolve();
      return ended.promise;
    });
    await begun.promise;
    const put = putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    expect(ThreadLeasedError.isInstance(await catchError(put))).toBe(true);
    ended.resolve();
    await leased;
  });

  it("a put takes no further command", async () => {
    const threadId = uuid6(0);
    const saver = database.openSaver();
    const root = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    await saver.withLease(threadId, async () => {
      const sent: string[] = [];
      const count = ({ commandName }: CommandStartedEvent): void => void sent.push(commandName);
      database.client.on("commandStarted", count);
      const child = await putCheckpoint(saver, root, makeCheckpoint());
      await saver.putWrites(child, [["a", 1]], "task");
      database.client.off("commandStarted", count);
      expect(sent).toEqual(["update", "update"]);
    });
  });

  it("work on the thread inside it is done under the same lease", async () => {
    const threadId = uuid6(0);
    const saver = openSaver();
    await saver.withLease(threadId, async (outer) => {
      await saver.withLease(threadId, async (inner) => {
        expect(inner.token).toBe(outer.token);
        await saver.update(threadId, () => ({ a: 1 }));
      });
      await saver.update(threadId, () => ({ a: 2 }));
    });
    expect(await countCheckpoints(threadId)).toBe(2);
  });

  it("the lease is renewed, however long the work takes", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    await saver.withLease(
      threadId,
      async ({ signal }) => {
        await sleep(2_500);
        expect(signal.aborted).toBe(false);
        const refused = await catchError(elsewhere(() => other.withLease(threadId, sleepNot)));
        expect(ThreadLeasedError.isInstance(refused)).toBe(true);
        await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
      },
      { ttlMs: 1_000 },
    );
  });

  it("graphs that are run in it carry it", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    const graph = compile(saver, "a");
    await saver.withLease(threadId, async ({ signal }) => {
      const config = { configurable: { thread_id: threadId }, signal };
      const run = graph.invoke({ steps: [] }, config);
      const put = elsewhere(() => putCheckpoint(other, threadConfig(threadId), makeCheckpoint()));
      expect(ThreadLeasedError.isInstance(await catchError(put))).toBe(true);
      expect(await run).toEqual({ steps: ["a1", "a2"] });
    });
  });

  it("a deletion by another one goes through, and what its worker writes begins the next life", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    await saver.withLease(threadId, async () => {
      await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
      await other.deleteThread(threadId);
      await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    });
    expect(await countCheckpoints(threadId)).toBe(1);
  });

  it("clocks of clients that are an hour off change nothing", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    await saver.withLease(threadId, async () => {
      for (const hours of [1, -1]) {
        setOwnClock(hours * 3_600_000);
        const refused = await catchError(elsewhere(() => other.withLease(threadId, sleepNot)));
        expect(ThreadLeasedError.isInstance(refused)).toBe(true);
        const config = (await saver.getTuple(threadConfig(threadId)))?.config;
        await putCheckpoint(saver, config ?? threadConfig(threadId), makeCheckpoint());
      }
    });
    expect(await countCheckpoints(threadId)).toBe(2);
  });
});

describe("a worker whose lease has ended", () => {
  it("because it was cut off for longer than that, changes nothing, and is told", async () => {
    const threadId = uuid6(0);
    let isCutOff = false;
    const back = Promise.withResolvers<void>();
    const client = await connectThrough(database.uri, async (command, send) => {
      if (isCutOff) await back.promise;
      return send(command);
    });
    const saver = new MongoDBSaver({ client, dbName: database.name });
    const other = openSaver();
    const root = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    const seen: unknown[] = [];
    const work = saver.withLease(
      threadId,
      async ({ token, signal }) => {
        await putCheckpoint(saver, root, makeCheckpoint());
        isCutOff = true;
        const newer = await elsewhere(() =>
          other.withLease(
            threadId,
            async (lease) => {
              await putCheckpoint(other, root, makeCheckpoint({ title: "other" }));
              return lease.token;
            },
            { waitMs: 20_000 },
          ),
        );
        expect(newer).toBeGreaterThan(token);
        isCutOff = false;
        back.resolve();
        seen.push(await catchError(putCheckpoint(saver, root, makeCheckpoint())));
        seen.push(await catchError(saver.putWrites(root, [["a", 1]], "late")));
        if (!signal.aborted) await once(signal, "abort");
        seen.push(signal.reason);
      },
      { ttlMs: 1_000 },
    );
    seen.push(await catchError(work));
    expect(seen).toHaveLength(4);
    for (const error of seen) expect(LeaseLostError.isInstance(error)).toBe(true);
    const latest = await other.getTuple(threadConfig(threadId));
    expect(latest?.checkpoint.channel_values).toEqual({ title: "other" });
    expect(await countCheckpoints(threadId)).toBe(3);
    expect((await other.verifyThread(threadId)).damages).toEqual([]);
  }, 60_000);

  it("changes nothing, even if the next one has changed nothing and has handed it back", async () => {
    const threadId = uuid6(0);
    const saver = openSaver();
    const root = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    const seen: unknown[] = [];
    const work = saver.withLease(threadId, async () => {
      // As if its time were over.
      const until = { $set: { held_until: new Date(0) } };
      await database.documents<{ _id: string }>("thread").updateOne({ _id: threadId }, until);
      await elsewhere(() => openSaver().withLease(threadId, sleepNot));
      seen.push(await catchError(putCheckpoint(saver, root, makeCheckpoint())));
      seen.push(await catchError(saver.putWrites(root, [["a", 1]], "late")));
    });
    seen.push(await catchError(work));
    expect(seen).toHaveLength(3);
    for (const error of seen) expect(LeaseLostError.isInstance(error)).toBe(true);
    expect(await countCheckpoints(threadId)).toBe(1);
  });

  it("does not take it from who has it by then, when it hands it back", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    await saver.withLease(threadId, sleepNot);
    await other.withLease(threadId, async () => {
      const taking = elsewhere(() => saver.withLease(threadId, sleepNot));
      expect(ThreadLeasedError.isInstance(await catchError(taking))).toBe(true);
      await putCheckpoint(other, threadConfig(threadId), makeCheckpoint());
    });
  });
});

describe("a damaged date of a lease", () => {
  const change = (threadId: string, fields: object) =>
    database.documents<{ _id: string }>("thread").updateOne({ _id: threadId }, { $set: fields });
  const farAhead = new Date("2199-01-01");

  it("keeps nobody out for ever: another worker takes the lease, writes, and verifyThread names the date", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    const root = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    const hold = { holder: 7, last_token: 7, held_for: "lease" };
    await change(threadId, { ...hold, held_until: farAhead });
    const [damage, ...others] = (await other.verifyThread(threadId)).damages;
    expect(damage).toMatchObject({ document: "thread", field: "held_until" });
    expect(others).toEqual([]);
    await other.withLease(threadId, () => putCheckpoint(other, root, makeCheckpoint()));
    expect((await other.verifyThread(threadId)).damages).toEqual([]);
    await change(threadId, { ...hold, held_until: farAhead });
    await putCheckpoint(openSaver(), root, makeCheckpoint());
    expect(await countCheckpoints(threadId)).toBe(3);
  });

  it("is not seen in the longest lease: that keeps others out", async () => {
    const threadId = uuid6(0);
    const [saver, other] = [openSaver(), openSaver()];
    await saver.withLease(
      threadId,
      async () => {
        const taken = elsewhere(() => other.withLease(threadId, sleepNot));
        expect(ThreadLeasedError.isInstance(await catchError(taken))).toBe(true);
        await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
        expect((await other.verifyThread(threadId)).damages).toEqual([]);
      },
      { ttlMs: 3_600_000 },
    );
  });

  it("of one who waits does not hold up those behind", async () => {
    const threadId = uuid6(0);
    const saver = openSaver();
    await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    await change(threadId, { line: [{ ticket: "nobody", until: farAhead }] });
    const tokens = await saver.withLease(threadId, async ({ token }) => [token], { waitMs: 5_000 });
    expect(tokens).toHaveLength(1);
  });
});

it(
  "those who wait get the lease in the order in which they came, and each in time",
  { timeout: 60_000 },
  async () => {
    const threadId = uuid6(0);
    const order: number[] = [];
    const waiters: Promise<void>[] = [];
    await openSaver().withLease(threadId, async () => {
      for (let waiter = 0; waiter < 16; waiter += 1) {
        const saver = openSaver();
        waiters.push(
          elsewhere(() =>
            saver.withLease(threadId, async () => void order.push(waiter), { waitMs: 50_000 }),
          ),
        );
        // Each is in the line before the next one comes.
        while ((await readLine(threadId)).length <= waiter) await sleep(20);
      }
    });
    await Promise.all(waiters);
    expect(order).toEqual(Array.from({ length: 16 }, (_, waiter) => waiter));
    expect(await readLine(threadId)).toEqual([]);
  },
);

it("who dies in the line does not hold up those behind it", { timeout: 60_000 }, async () => {
  const threadId = uuid6(0);
  const saver = openSaver();
  await saver.withLease(threadId, sleepNot);
  const until = new Date(Date.now() + 1_500);
  await database
    .documents<{ _id: string }>("thread")
    .updateOne({ _id: threadId }, { $set: { line: [{ ticket: "dead", until }] } });
  await saver.withLease(threadId, sleepNot, { waitMs: 30_000 });
  expect(Date.now()).toBeGreaterThanOrEqual(until.getTime());
});

it("who gives up waiting leaves the line, by time and by signal", async () => {
  const threadId = uuid6(0);
  const [saver, other] = [openSaver(), openSaver()];
  await saver.withLease(threadId, async () => {
    const late = await catchError(
      elsewhere(() => other.withLease(threadId, sleepNot, { waitMs: 200 })),
    );
    expect(ThreadLeasedError.isInstance(late)).toBe(true);
    const reason = new Error("given up");
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 200);
    const wait = elsewhere(() =>
      other.withLease(threadId, sleepNot, { waitMs: 60_000, signal: stop.signal }),
    );
    expect(await catchError(wait)).toBe(reason);
  });
  expect(await readLine(threadId)).toEqual([]);
});

it("options that are wrong are refused before anything is stored", async () => {
  const threadId = uuid6(0);
  for (const options of [{ ttlMs: 10 }, { waitMs: -1 }, { waitMS: 5 }]) {
    await expect(openSaver().withLease(threadId, sleepNot, options)).rejects.toThrow(
      InvalidOptionsError,
    );
  }
  expect(await database.readAll(threadId)).toEqual([]);
});

describe("a graph with exclusive threads", () => {
  it("does one run after the other, by invoke, stream and updateState", async () => {
    const threadId = uuid6(0);
    const config = { configurable: { thread_id: threadId } };
    const [a, b, c] = ["a", "b", "c"].map((name) => compileExclusive(openSaver(), name));
    const streamed: unknown[] = [];
    const readStream = async (): Promise<void> => {
      for await (const chunk of await b!.stream({ steps: [] }, config)) streamed.push(chunk);
    };
    await Promise.all([
      a!.invoke({ steps: [] }, config),
      readStream(),
      c!.invoke({ steps: [] }, config),
    ]);
    expect(streamed).toHaveLength(2);
    await a!.updateState(config, { steps: ["u"] }, "two");
    const state = await a!.getState(config);
    const { steps } = state.values as { readonly steps: readonly string[] };
    const text = steps.join(" ");
    // Nobody's steps are lost, and none comes in between.
    for (const run of ["a1 a2", "b1 b2", "c1 c2"]) expect(text).toContain(run);
    expect(steps).toHaveLength(7);
    // The lease is no part of what is stored.
    const tuple = await database.openSaver().getTuple(config);
    expect(JSON.stringify(tuple)).not.toContain("threadkeep_lease");
  });

  it("refuses a run beside it that has no lease, and lets others go on when a stream is cancelled", async () => {
    const threadId = uuid6(0);
    const config = { configurable: { thread_id: threadId } };
    const saver = openSaver();
    for await (const _ of await compileExclusive(saver, "a").stream({ steps: [] }, config)) {
      const put = putCheckpoint(openSaver(), config, makeCheckpoint());
      expect(ThreadLeasedError.isInstance(await catchError(put))).toBe(true);
      break;
    }
    await compileExclusive(openSaver(), "b").invoke({ steps: [] }, config);
  });

  it("also holds for agents, streamed events, batches and graphs with another config", async () => {
    const saver = openSaver();
    const model = fakeModel().respond(new AIMessage("hello"));
    const agent = withExclusiveThreads(
      createAgent({ model, tools: [], checkpointer: saver }),
      saver,
    );
    const threadId = uuid6(0);
    const config = { configurable: { thread_id: threadId } };
    const { messages } = await agent.invoke({ messages: ["hi"] }, config);
    expect(messages.at(-1)?.text).toBe("hello");
    expect(agent.graph).toBeDefined();

    const graph = compileExclusive(saver, "a");
    const other = openSaver();
    const expectLeased = async (): Promise<void> => {
      const put = putCheckpoint(other, config, makeCheckpoint());
      expect(ThreadLeasedError.isInstance(await catchError(put))).toBe(true);
    };
    for await (const _ of graph.streamEvents({ steps: [] }, { ...config, version: "v2" })) {
      await expectLeased();
      break;
    }
    const batch = graph.batch([{ steps: [] }], config);
    await sleep(150);
    await expectLeased();
    await batch;
    const run = graph.withConfig({ tags: ["tagged"] }).invoke({ steps: [] }, config);
    await sleep(150);
    await expectLeased();
    await run;
  });
});

const State = Annotation.Root({
  steps: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** A graph of two steps, each of which takes a while. */
function compile(saver: MongoDBSaver, name: string) {
  const step = (which: string) => async () => {
    await sleep(150);
    return { steps: [`${name}${which}`] };
  };
  return new StateGraph(State)
    .addNode("one", step("1"))
    .addNode("two", step("2"))
    .addEdge("__start__", "one")
    .addEdge("one", "two")
    .compile({ checkpointer: saver });
}

function compileExclusive(saver: MongoDBSaver, name: string) {
  return withExclusiveThreads(compile(saver, name), saver, { waitMs: 20_000 });
}

function sleepNot(): Promise<void> {
  return Promise.resolve();
}

async function readLine(threadId: string): Promise<readonly unknown[]> {
  const records = database.documents<{ _id: string; line?: readonly unknown[] }>("thread");
  return (await records.findOne({ _id: threadId }))?.line ?? [];
}
