import { MongoBackend } from "@agendajs/mongo-backend";
import { createAgendaDispatcher } from "@threadkeep/checkpoint-mongo/agenda";
import { createBullMQDispatcher } from "@threadkeep/checkpoint-mongo/bullmq";
import {
  RecoveryWorker,
  type Dispatcher,
  type Graphs,
  type RunEvent,
} from "@threadkeep/checkpoint-mongo/runs";
import { startRedis } from "@threadkeep/local-mongodb/redis";
import { Agenda, type Job } from "agenda";
import { Queue } from "bullmq";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { COLLECTION, useDatabase } from "../use-database.ts";
import { makeChain } from "./make-chain.ts";
import { openRuns, waitFor } from "./use-runs.ts";

const database = useDatabase();
let redis: Awaited<ReturnType<typeof startRedis>>;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis[Symbol.asyncDispose]());

/** How a process opens the engine of a name, and what is left in it. */
interface Engine {
  readonly engine: string;
  readonly open: (name: string) => Dispatcher;
  readonly countLeft: (name: string) => Promise<number>;
}

const openAgenda = (name: string): Agenda =>
  new Agenda({
    backend: new MongoBackend({ mongo: database.client.db(database.name), collection: name }),
    processEvery: 100,
  });

const connection = (): { host: string; port: number } => {
  const { hostname, port } = new URL(redis.url);
  return { host: hostname, port: Number(port) };
};

const ENGINES: readonly Engine[] = [
  {
    engine: "Agenda",
    open: (name) => createAgendaDispatcher({ agenda: openAgenda(name) }),
    countLeft: (name) => database.db.collection(name).countDocuments(),
  },
  {
    engine: "BullMQ",
    open: (name) => createBullMQDispatcher({ connection: connection(), queueName: name }),
    countLeft: async (name) => {
      const queue = new Queue(name, { connection: connection() });
      const jobs = await queue.getJobs();
      await queue.close();
      return jobs.length;
    },
  },
];

describe.each(ENGINES)("$engine as dispatcher", ({ open, countLeft }) => {
  it("brings each run to one of several processes, which carries it out once, and leaves nothing behind", async () => {
    const queue = `queue-${randomUUID()}`;
    const taken: string[] = [];
    const graphs = {
      a: makeChain({ first: ({ configurable }) => void taken.push(configurable.run_id) }),
    };
    const { runs } = openRuns(database, graphs);
    const workers = [0, 1, 2].map(() => startWorker(graphs, open(queue)));
    const ids = Array.from({ length: 12 }, () => randomUUID());
    await Promise.all(ids.map((id) => runs.start("a", { log: [] }, { threadId: id, runId: id })));
    for (const id of ids) expect(await waitFor(runs, id, "done")).toMatchObject({ token: 1 });
    expect(taken.toSorted()).toEqual(ids.toSorted());
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(await countLeft(queue)).toBe(0);
  });

  it("brings a run to another process when that of its worker is gone, though the engine still has its job there", async () => {
    const queue = `queue-${randomUUID()}`;
    const isFirst = Promise.withResolvers<void>();
    let times = 0;
    const graphs = {
      b: makeChain({
        first: async () => {
          times += 1;
          if (times > 1) return;
          isFirst.resolve();
          // For this process, it never ends.
          await new Promise(() => {});
        },
      }),
    };
    const { runs, ids } = openRuns(database, graphs);
    const dying = startWorker(graphs, open(queue), { leaseMs: 60_000 });
    await runs.start("b", { log: [] }, ids);
    await isFirst.promise;
    // As the server sees it, its lease was never renewed.
    await database.db
      .collection<{ _id: string }>("threadkeep_runs")
      .updateOne({ _id: ids.runId }, { $set: { wake_at: new Date(0), lease: "nobody" } });
    await database.db
      .collection(COLLECTION)
      .updateMany(
        { thread_id: ids.threadId, holder: { $exists: true } },
        { $set: { held_until: new Date(0) } },
      );
    startWorker(graphs, open(queue));
    expect(await waitFor(runs, ids.runId, "done")).toMatchObject({ token: 2 });
    await dying.stop();
  });

  it("lets a process that stops hand its run to another at once", async () => {
    const queue = `queue-${randomUUID()}`;
    const begun = Promise.withResolvers<void>();
    const graphs = {
      c: makeChain({
        first: async () => {
          begun.resolve();
          await sleep(200);
        },
        second: () => {},
      }),
    };
    const { runs, ids, readLog } = openRuns(database, graphs);
    const stopping = startWorker(graphs, open(queue));
    await runs.start("c", { log: [] }, ids);
    await begun.promise;
    await stopping.stop();
    expect(await runs.get(ids.runId)).toMatchObject({ status: "queued", attempts: 0 });
    startWorker(graphs, open(queue));
    await waitFor(runs, ids.runId, "done");
    expect(await readLog()).toEqual(["first", "second"]);
  });
});

it("a cron of Agenda starts a run once, however many processes have it", async () => {
  const name = `queue-${randomUUID()}`;
  const graphs = { report: makeChain({ first: () => {} }) };
  const { runs } = openRuns(database, graphs);
  const agendas = [openAgenda(name), openAgenda(name)];
  for (const agenda of agendas) {
    const startHourly = async (job: Job): Promise<void> => {
      const at = job.attrs.lastRunAt!.toISOString().slice(0, 13);
      await runs.start("report", { log: [] }, { threadId: name, runId: `${name}-${at}` });
    };
    // oxlint-disable-next-line typescript/no-misused-promises -- the linter takes another overload
    agenda.define("hourly report", startHourly);
    await agenda.every("1 second", "hourly report");
    await agenda.start();
  }
  startWorker(graphs, undefined);
  await expect
    .poll(async () => (await runs.list({ threadId: name })).runs.length, { timeout: 5_000 })
    .toBeGreaterThan(0);
  await sleep(1_500);
  for (const agenda of agendas) await agenda.stop();
  const started = (await runs.list({ threadId: name })).runs;
  // The hour may have changed meanwhile.
  expect(new Set(started.map(({ runId }) => runId)).size).toBe(started.length);
  expect(started.length).toBeLessThanOrEqual(2);
});

it.each<[string, () => unknown, string]>([
  [
    "no agenda",
    () => createAgendaDispatcher({} as never),
    "agenda: expected an Agenda of version 6",
  ],
  ["no connection", () => createBullMQDispatcher({} as never), "connection: expected a connection"],
  [
    "a queue's name with a colon",
    () => createBullMQDispatcher({ connection: { port: 1 }, queueName: "a:b" }),
    "queueName",
  ],
  [
    "a worker with the option of an older version",
    () =>
      new RecoveryWorker({ saver: database.openSaver(), graphs: {}, dispatch: () => {} } as never),
    "did you mean dispatcher",
  ],
])("refuses %s, and says what is expected", (_what, act, message) => {
  expect(act).toThrow(message);
});

it("a worker whose engine is down reports it, and hands over again later", async () => {
  const events: RunEvent[] = [];
  let isDown = true;
  const handed: string[] = [];
  const graphs = { d: makeChain({ first: () => {} }) };
  const { runs, ids } = openRuns(database, graphs);
  const dispatcher: Dispatcher = {
    dispatch: async ({ runId }) => {
      if (isDown) throw new Error("The engine is down.");
      handed.push(runId);
    },
    start: async () => {
      if (isDown) throw new Error("The engine is down.");
    },
  };
  startWorker(graphs, dispatcher, { onEvent: (event) => events.push(event) });
  await runs.start("d", { log: [] }, ids);
  const failures = (): unknown[] =>
    events.filter((event) => event.type === "worker-failure").map((event) => event.operation);
  await expect.poll(failures).toEqual(expect.arrayContaining(["engine", "dispatch"]));
  isDown = false;
  await expect.poll(() => handed).toEqual([ids.runId]);
  await runs.cancel(ids.runId);
});

/** Starts the worker of a process, which stops with the test. */
function startWorker(
  graphs: Graphs,
  dispatcher: Dispatcher | undefined,
  options: { readonly leaseMs?: number; readonly onEvent?: (event: RunEvent) => void } = {},
): RecoveryWorker {
  const worker = new RecoveryWorker({
    saver: database.openSaver(),
    graphs,
    dispatcher,
    pollMs: 200,
    drainMs: 500,
    ...options,
  });
  worker.start();
  onTestFinished(() => worker.stop());
  return worker;
}
