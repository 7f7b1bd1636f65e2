import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createRuns } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { killWorkerProcess, startWorkerProcess } from "./worker-processes.ts";

const STEPS = 3;
const CONCURRENCY = 8;

/** How many runs a second workers carry out, each a process, from runs that are all queued. */
export async function measureSpeed(uri: string, workers: number, runs: number): Promise<number> {
  const database = `bench_fleet_speed_${workers}`;
  const client = new MongoClient(uri);
  const saver = new MongoDBSaver({ client, dbName: database });
  const starting = createRuns({ saver, graphs: { work: {} } });
  const start = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index += 1) {
      const id = String(index);
      await starting.start("work", { taken: [] }, { threadId: id, runId: id });
    }
  };
  const countDone = (): Promise<number> =>
    client.db(database).collection("threadkeep_runs").countDocuments({ status: "done" });
  const order = { uri, database, concurrency: CONCURRENCY, steps: STEPS, stepMs: 0, options: {} };
  const children = await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      startWorkerProcess({ ...order, name: `worker ${index}` }),
    ),
  );
  try {
    // Until all of them have loaded everything.
    const warmUp = workers * CONCURRENCY;
    await start(0, warmUp);
    while ((await countDone()) < warmUp) await sleep(50);
    const startedMs = performance.now();
    await start(warmUp, warmUp + runs);
    while ((await countDone()) < warmUp + runs) await sleep(20);
    return runs / ((performance.now() - startedMs) / 1_000);
  } finally {
    await Promise.all(children.map(killWorkerProcess));
    await client.close();
  }
}
