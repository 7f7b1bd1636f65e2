import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createRuns } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { killWorkerProcess, startWorkerProcess } from "./worker-processes.ts";

/** There is room for all runs, also when a worker is gone. */
const CONCURRENCY = 16;
const RUNS = 12;
/** The runs outlast the measurement. */
const STEPS = 100_000;
const STEP_MS = 200;

interface RunDocument {
  readonly _id: string;
  readonly worker: string;
  readonly token: number;
}

/** What is read of a run's page in the ledger of the workers. */
type LedgerPage = Pick<RunDocument, "_id" | "token">;

/**
 * Kills the worker that has most runs, again and again, and waits each time until others have begun a step of each of its runs.
 *
 * @returns how long each run waited, in milliseconds
 */
export async function measureRecoveries(
  uri: string,
  kills: number,
  workers: number,
): Promise<number[]> {
  const database = "bench_fleet_recoveries";
  const client = new MongoClient(uri);
  const saver = new MongoDBSaver({ client, dbName: database });
  const runs = createRuns({ saver, graphs: { work: {} } });
  const collection = client.db(database).collection<RunDocument>("threadkeep_runs");
  const ledger = client.db(database).collection<LedgerPage>("ledger");
  const order = { uri, database, concurrency: CONCURRENCY, steps: STEPS, stepMs: STEP_MS };
  let started = 0;
  const startOne = async () => {
    started += 1;
    const name = `worker ${started}`;
    return { name, child: await startWorkerProcess({ ...order, name, options: {} }) };
  };
  const members = await Promise.all(Array.from({ length: workers }, startOne));
  const waitedMs: number[] = [];
  try {
    for (let index = 0; index < RUNS; index += 1) {
      const id = String(index);
      await runs.start("work", { taken: [] }, { threadId: id, runId: id });
    }
    await sleep(3_000);
    for (let kill = 0; kill < kills; kill += 1) {
      // At any moment between two renewals.
      await sleep(4_000 * Math.random());
      const running = await collection.find({ status: "running" }).toArray();
      const countOf = (name: string): number =>
        running.filter(({ worker }) => worker === name).length;
      const member = members.toSorted((a, b) => countOf(b.name) - countOf(a.name))[0]!;
      await killWorkerProcess(member.child);
      const killedMs = performance.now();
      const lost = await collection.find({ worker: member.name, status: "running" }).toArray();
      const open = new Map(lost.map(({ _id, token }) => [_id, token]));
      members[members.indexOf(member)] = await startOne();
      while (open.size > 0) {
        // A step has begun under a newer token.
        const now = await ledger.find({ _id: { $in: [...open.keys()] } }).toArray();
        for (const { _id, token } of now) {
          if (token <= open.get(_id)!) continue;
          open.delete(_id);
          waitedMs.push(performance.now() - killedMs);
        }
        await sleep(20);
      }
    }
    return waitedMs;
  } finally {
    await Promise.all(members.map(({ child }) => killWorkerProcess(child)));
    await client.close();
  }
}
