import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import {
  createRunHandler,
  durableSleep,
  RecoveryWorker,
  RunLeaseLostError,
  sleepUntil,
  waitForAnswer,
  type RecoveryWorkerOptions,
  type RunEvent,
} from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { CommandProxy } from "../../network/command-proxy.ts";
import { useDatabase } from "../use-database.ts";
import { makeChain } from "./make-chain.ts";
import { openRuns, waitFor } from "./use-runs.ts";

const database = useDatabase();

describe("a worker", () => {
  it("carries out at once what its process starts, and without a change stream what others start at its next look", async () => {
    const graphs = { a: makeChain({ first: () => {} }) };
    const { runs, ids, saver } = openRuns(database, graphs);
    startWorker({ graphs, saver, pollMs: 2_000, watch: false });
    await sleep(100);
    await runs.start("a", { log: [] }, ids);
    expect(await waitFor(runs, ids.runId, "done", 2_000)).toMatchObject({ token: 1 });
    const other = openRuns(database, graphs);
    await other.runs.start("a", { log: [] }, other.ids);
    await waitFor(runs, other.ids.runId, "done");
  });

  it("goes on with runs whose worker is gone, when their lease is over, from the last checkpoint", async () => {
    const taken: string[] = [];
    const hang = Promise.withResolvers<void>();
    let isFirst = true;
    const graphs = {
      b: makeChain({
        first: () => void taken.push("first"),
        second: async ({ signal }) => {
          taken.push("second");
          if (!isFirst) return;
          isFirst = false;
          // Its process is paused, as far as anybody can tell.
          hang.resolve();
          await once(signal!, "abort");
        },
      }),
    };
    const { runs, ids, readLog } = openRuns(database, graphs);
    await runs.start("b", { log: ["in"] }, ids);
    const paused = openRuns(database, graphs, { leaseMs: 500, worker: "paused" });
    const handled = paused.handle(ids.runId);
    await hang.promise;
    await database.db
      .collection<{ _id: string }>("threadkeep_runs")
      .updateOne({ _id: ids.runId }, { $set: { wake_at: new Date(0), lease: "nobody" } });
    startWorker({ graphs, pollMs: 100 });
    expect(await waitFor(runs, ids.runId, "done")).toMatchObject({ token: 2 });
    await handled;
    expect(taken).toEqual(["first", "second", "second"]);
    expect(await readLog()).toEqual(["in", "first", "second"]);
  });

  it("stores nothing for a run whose lease it has lost, and says so", async () => {
    const events: RunEvent[] = [];
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let late: unknown;
    const graph = makeChain({
      first: async () => {
        begun.resolve();
        // Deaf to signals.
        await release.promise;
      },
    });
    const noteError = (error: unknown): never => {
      late = error;
      throw error;
    };
    const graphs = {
      c: {
        getState: (config: RunnableConfig) => graph.getState(config),
        invoke: (input: unknown, config: RunnableConfig): Promise<unknown> =>
          graph.invoke(input as { log: string[] }, config).catch(noteError),
      },
    };
    const { runs, ids, readLog, saver } = openRuns(database, graphs);
    await runs.start("c", { log: ["in"] }, ids);
    const handle = createRunHandler({
      saver,
      graphs,
      leaseMs: 500,
      onEvent: (event) => events.push(event),
    });
    const handled = handle(ids.runId);
    await begun.promise;
    await database.db
      .collection<{ _id: string }>("threadkeep_runs")
      .updateOne({ _id: ids.runId }, { $set: { lease: "another" } });
    await handled;
    release.resolve();
    await sleep(100);
    expect(RunLeaseLostError.isInstance(late)).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(["run-taken", "run-lease-lost"]);
    expect(await readLog()).toEqual(["in"]);
  });

  it("gives up a run that takes its workers down, and others go on", async () => {
    const graphs = { d: makeChain({ first: () => {} }) };
    const { runs, ids } = openRuns(database, graphs);
    const { runId } = await runs.start("d", { log: [] }, ids);
    // As three workers leave it that died before they stored anything.
    await database.db
      .collection<{ _id: string }>("threadkeep_runs")
      .updateOne(
        { _id: runId },
        { $set: { status: "running", attempts: 3, token: 3, lease: "x", wake_at: new Date(0) } },
      );
    startWorker({ graphs, pollMs: 100, maxAttempts: 3, concurrency: 1 });
    const other = await runs.start("d", { log: [] }, { threadId: randomUUID() });
    expect(await waitFor(runs, runId, "dead")).toMatchObject({
      error: { name: "WorkersLostError" },
    });
    await waitFor(runs, other.runId, "done");
    await runs.retry(runId);
    await waitFor(runs, runId, "done");
  });

  it("carries out no more runs at once than it may, and all of them in the end", async () => {
    let active = 0;
    let most = 0;
    const graphs = {
      e: makeChain({
        first: async () => {
          most = Math.max(most, (active += 1));
          await sleep(150);
          active -= 1;
        },
      }),
    };
    const { runs } = openRuns(database, graphs);
    const ids = Array.from({ length: 12 }, () => randomUUID());
    await Promise.all(ids.map((id) => runs.start("e", { log: [] }, { threadId: id, runId: id })));
    startWorker({ graphs, concurrency: 3, pollMs: 60_000 });
    await Promise.all(ids.map((id) => waitFor(runs, id, "done")));
    expect([2, 3]).toContain(most);
  });

  it("leaves runs alone that none of its graphs accepts, and reports them", async () => {
    const graph = makeChain({ first: () => {} });
    const { runs, ids } = openRuns(database, { f: { graph, version: "2" } });
    await runs.start("f", { log: [] }, ids);
    const events: RunEvent[] = [];
    startWorker({
      graphs: { f: { graph, version: "1" } },
      pollMs: 50,
      onEvent: (event) => events.push(event),
    });
    await expect
      .poll(() => events.find((event) => event.type === "runs-not-accepted" && event.graph === "f"))
      .toMatchObject({ graph: "f", version: "2", count: 1 });
    expect(await runs.get(ids.runId)).toMatchObject({ status: "queued", token: 0 });
    startWorker({ graphs: { f: { graph, version: "2" } }, pollMs: 50 });
    await waitFor(runs, ids.runId, "done");
  });

  it("hands runs to a dispatcher, and not again while that has them", async () => {
    const graphs = { g: makeChain({ first: () => {} }) };
    const { runs, ids, handle } = openRuns(database, graphs);
    const dispatched: string[] = [];
    startWorker({
      graphs,
      pollMs: 50,
      dispatcher: { dispatch: ({ runId }) => Promise.resolve(dispatched.push(runId)) },
    });
    await runs.start("g", { log: [] }, ids);
    await expect.poll(() => dispatched).toEqual([ids.runId]);
    await sleep(300);
    expect(dispatched).toEqual([ids.runId]);
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
  });

  it("sends 20 commands a minute at most while there is nothing to do", async () => {
    // Three minutes of looks, at forty times the speed. The change stream asks twice a minute.
    const fast = startWorker({
      graphs: { idle: makeChain({ first: () => {} }) },
      pollMs: 100,
      onEvent: () => {},
    });
    await sleep(300);
    const commands = await database.recordCommands(() => sleep(4_500));
    await fast.stop();
    expect(commands.length).toBeGreaterThan(20);
    expect((commands.length / 4.5 / 40) * 60 + 2).toBeLessThanOrEqual(20);
  });
});

describe("a worker on a server with change streams", () => {
  beforeEach((context) => requireFeature(context, "change streams"));

  it("hears at once what other processes start, let on, answer and cancel", async () => {
    const isRunning = Promise.withResolvers<void>();
    const graphs = {
      quick: makeChain({ first: () => {} }),
      asks: makeChain({ ask: () => String(waitForAnswer("?", { timeoutMs: 60_000 }).isAnswered) }),
      endless: makeChain({
        first: async ({ signal }) => {
          isRunning.resolve();
          await once(signal!, "abort");
        },
      }),
    };
    const events: RunEvent[] = [];
    startWorker({ graphs, pollMs: 60_000, onEvent: (event) => events.push(event) });
    // Until it watches, the worker finds it at its first look.
    await sleep(500);
    const other = openRuns(database, graphs, {}, database.openSaverElsewhere());
    const { threadId } = other.ids;
    await other.runs.start("asks", { log: [] }, other.ids);
    await waitFor(other.runs, other.ids.runId, "waiting", 3_000);
    const behind = await other.runs.start("quick", { log: [] }, { threadId });
    await other.runs.resume(other.ids.runId, "yes");
    await waitFor(other.runs, other.ids.runId, "done", 3_000);
    await waitFor(other.runs, behind.runId, "done", 3_000);
    const endless = await other.runs.start("endless", { log: [] }, { threadId: randomUUID() });
    await isRunning.promise;
    await other.runs.cancel(endless.runId);
    // The lease is renewed after 3 s at the earliest.
    await waitFor(other.runs, endless.runId, "cancelled", 2_000);
    expect(events.filter(({ type }) => type === "runs-not-watched")).toEqual([]);
  });

  it("finds the same runs at its next look where there is none, and says why there is none", async () => {
    const events: RunEvent[] = [];
    await using proxy = await CommandProxy.start(database.uri, async (command, send) => {
      const isStream = JSON.stringify(command["pipeline"] ?? []).includes("$changeStream");
      const refused = "The $changeStream stage is only supported on replica sets";
      return isStream ? { ok: 0, code: 40_573, errmsg: refused } : send(command);
    });
    const client = new MongoClient(proxy.uri);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    const graphs = { old: makeChain({ first: () => {} }) };
    const worker = startWorker({
      saver,
      graphs,
      pollMs: 300,
      onEvent: (event) => events.push(event),
    });
    const { runs, ids } = openRuns(database, graphs);
    await sleep(200);
    await runs.start("old", { log: [] }, ids);
    await waitFor(runs, ids.runId, "done");
    expect(events.filter(({ type }) => type === "runs-not-watched")).toMatchObject([
      { reason: "unsupported", error: { code: 40_573 } },
    ]);
    await worker.stop();
    await client.close();
  });

  it("opens the stream again when it breaks, and misses nothing meanwhile", async () => {
    const events: RunEvent[] = [];
    let streams = 0;
    let replies = 0;
    await using proxy = await CommandProxy.start(database.uri, async (command, send) => {
      const isStream = JSON.stringify(command["pipeline"] ?? []).includes("$changeStream");
      if (isStream) streams += 1;
      const isOfStream = command["getMore"] !== undefined && streams > 0;
      if (isOfStream) replies += 1;
      // After the first change, the server has forgotten what came next: the driver cannot go on with the stream.
      const isLost = isOfStream && streams === 1 && replies === 2;
      return isLost
        ? { ok: 0, code: 286, errmsg: "resume of change stream failed" }
        : send(command);
    });
    const client = new MongoClient(proxy.uri);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    const graphs = { lost: makeChain({ first: () => {} }) };
    const onEvent = (event: RunEvent): unknown => events.push(event);
    const worker = startWorker({ saver, graphs, pollMs: 60_000, onEvent });
    const { runs, ids } = openRuns(database, graphs);
    await expect.poll(() => streams, { timeout: 5_000 }).toBe(1);
    await sleep(100);
    const first = await runs.start("lost", { log: [] }, { threadId: randomUUID() });
    await waitFor(runs, first.runId, "done", 5_000);
    await expect.poll(() => streams, { timeout: 5_000 }).toBe(2);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "runs-not-watched", reason: "broken" }),
    );
    await runs.start("lost", { log: [] }, ids);
    await waitFor(runs, ids.runId, "done", 5_000);
    await worker.stop();
    await client.close();
  });
});

describe("a worker that is stopped", () => {
  it("lets graphs end their superstep, and gives the runs back to others at once", async () => {
    const taken: string[] = [];
    const begun = Promise.withResolvers<void>();
    const graphs = {
      h: makeChain({
        first: async () => {
          taken.push("first");
          begun.resolve();
          await sleep(200);
        },
        second: () => void taken.push("second"),
      }),
    };
    const { runs, ids, readLog, saver } = openRuns(database, graphs);
    const worker = startWorker({ graphs, saver });
    await runs.start("h", { log: [] }, ids);
    await begun.promise;
    await worker.stop();
    expect(taken).toEqual(["first"]);
    expect(await runs.get(ids.runId)).toMatchObject({ status: "queued", attempts: 0 });
    startWorker({ graphs });
    await waitFor(runs, ids.runId, "done", 2_000);
    expect(taken).toEqual(["first", "second"]);
    expect(await readLog()).toEqual(["first", "second"]);
  });

  it("aborts what has not ended within drainMs, and gives it back all the same", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const graphs = {
      i: makeChain({
        first: async ({ signal }) => {
          begun.resolve(signal!);
          await new Promise(() => {});
        },
      }),
    };
    const { runs, ids, saver } = openRuns(database, graphs);
    const worker = startWorker({ graphs, saver, drainMs: 100 });
    await runs.start("i", { log: [] }, ids);
    const signal = await begun.promise;
    const startedMs = performance.now();
    await worker.stop();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(signal.aborted).toBe(true);
    expect(await runs.get(ids.runId)).toMatchObject({ status: "queued" });
    await runs.cancel(ids.runId);
  });
});

describe("a run that sleeps", () => {
  it("is woken when its time has come, by whichever worker there is then", async () => {
    const graphs = { j: makeChain({ nap: () => durableSleep(700), last: () => {} }) };
    const { runs, ids, handle, readLog } = openRuns(database, graphs);
    await runs.start("j", { log: [] }, ids);
    const before = Date.now();
    const asleep = await handle(ids.runId);
    expect(asleep).toMatchObject({ status: "waiting", interrupts: [{ value: undefined }] });
    expect(await handle(ids.runId)).toMatchObject({ status: "waiting", token: 1 });
    // It does not wait for the worker's next look.
    startWorker({ graphs });
    const done = await waitFor(runs, ids.runId, "done", 2_000);
    expect(done.endedAt!.getTime() - before).toBeGreaterThanOrEqual(690);
    expect(await readLog()).toEqual(["nap", "last"]);
  });

  it("sleeps until a moment that has passed no longer than a look takes", async () => {
    const graphs = { k: makeChain({ nap: () => sleepUntil(new Date(0)), last: () => {} }) };
    const { runs, ids } = openRuns(database, graphs);
    startWorker({ graphs, pollMs: 100 });
    await runs.start("k", { log: [] }, ids);
    expect(await waitFor(runs, ids.runId, "done")).toMatchObject({ token: 2 });
  });

  it("sleeps as long as it was to, though another question of the same step was answered meanwhile", async () => {
    const graphs = {
      l: makeChain({
        both: () => {
          const answer = waitForAnswer<string>("?", { timeoutMs: 60_000 });
          return answer.isAnswered ? answer.value : "expired";
        },
      }),
    };
    const { runs, ids, handle, readLog } = openRuns(database, graphs);
    await runs.start("l", { log: [] }, ids);
    const { interrupts, wakeAt } = await handle(ids.runId);
    expect(interrupts).toMatchObject([{ value: "?", wakeAt }]);
    await runs.resume(ids.runId, "in time");
    expect(await handle(ids.runId)).toMatchObject({ status: "done" });
    expect(await readLog()).toEqual(["both: in time"]);
  });

  it("is told that the time was over if nobody has answered", async () => {
    const graphs = {
      m: makeChain({
        ask: () => (waitForAnswer("?", { timeoutMs: 300 }).isAnswered ? "answered" : "expired"),
      }),
    };
    const { runs, ids, readLog } = openRuns(database, graphs);
    startWorker({ graphs, pollMs: 100 });
    await runs.start("m", { log: [] }, ids);
    await waitFor(runs, ids.runId, "done");
    expect(await readLog()).toEqual(["ask: expired"]);
  });

  it.each([
    ["durableSleep", () => durableSleep(-1)],
    ["sleepUntil", () => sleepUntil(new Date(Number.NaN))],
    ["waitForAnswer", () => void waitForAnswer("?", { timeoutMs: Number.NaN })],
  ])("refuses a time that is none: %s", async (_name, act) => {
    const { runs, ids, handle } = openRuns(database, { n: makeChain({ act }) });
    await runs.start("n", { log: [] }, ids);
    const failed = await handle(ids.runId);
    expect(failed).toMatchObject({ status: "failed", error: { code: "INVALID_OPTIONS" } });
  });
});

/** Starts a worker that stops with the test. */
function startWorker(
  options: Omit<RecoveryWorkerOptions, "saver"> & { readonly saver?: MongoDBSaver },
): RecoveryWorker {
  const worker = new RecoveryWorker({ saver: database.openSaver(), ...options });
  worker.start();
  onTestFinished(() => worker.stop());
  return worker;
}
