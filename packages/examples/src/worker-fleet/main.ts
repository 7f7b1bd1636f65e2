/** A fleet of workers, killed and paused at random, and runs that all end once. See `--help`. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { createRuns, type Run, type Runs } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkLedger } from "./check-ledger.ts";
import { Crashes } from "./crashes.ts";
import { findMongoDB } from "./find-mongodb.ts";
import { Fleet, type Worker } from "./fleet.ts";
import { Ledger } from "./ledger.ts";
import { countActions } from "./order-graph.ts";
import { ProgressTable, type Progress } from "./progress-table.ts";

const HELP = `Usage: npm start -- [OPTIONS]

  --threads N         how many threads get a run (default: 100)
  --workers N         how many worker processes there are (default: 5)
  --step-ms N         how long an action takes, on average (default: 1000)
  --lease-ms N        how long a worker may be silent before others take its runs (default: 10000)
  --fault-every-ms N  how often a worker is killed or paused, on average (default: 2000)`;

/** Each worker carries out so many runs at once. */
const CONCURRENCY = 5;
const LOOK_EVERY_MS = 250;

try {
  const { values } = parseArgs({
    options: {
      threads: { type: "string", default: "100" },
      workers: { type: "string", default: "5" },
      "step-ms": { type: "string", default: "1000" },
      "lease-ms": { type: "string", default: "10000" },
      "fault-every-ms": { type: "string", default: "2000" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else {
    const number = (name: Exclude<keyof typeof values, "help">): number => {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value > 0) return value;
      throw new TypeError(`--${name}: expected a whole number above 0, got "${values[name]}"`);
    };
    await runFleet({
      threads: number("threads"),
      workers: number("workers"),
      stepMs: number("step-ms"),
      leaseMs: number("lease-ms"),
      faultEveryMs: number("fault-every-ms"),
    });
  }
} catch (error) {
  if (!ThreadkeepError.isInstance(error) && !(error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

interface Plan {
  readonly threads: number;
  readonly workers: number;
  readonly stepMs: number;
  readonly leaseMs: number;
  readonly faultEveryMs: number;
}

async function runFleet(plan: Plan): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  const dbName = process.env["MONGODB_DB"] || "worker_fleet";
  await using client = new MongoClient(mongodb.uri);
  const saver = new MongoDBSaver({ client, dbName });
  const ledger = new Ledger(client.db(dbName));
  // This process carries out nothing, so it needs no graph.
  const runs = createRuns({ saver, graphs: { order: {} } });
  const crashes = new Crashes();
  const { stepMs, leaseMs } = plan;
  const order = { uri: mongodb.uri, dbName, concurrency: CONCURRENCY, leaseMs, stepMs };
  const fleet = new Fleet(order, (runId, token) => crashes.noteTaken(runId, token));
  try {
    const begin = new Date().toISOString();
    const ids = Array.from(
      { length: plan.threads },
      (_, index) => `order ${index + 1} of ${begin}`,
    );
    for (const id of ids) await runs.start("order", { done: [] }, { threadId: id, runId: id });
    console.log(
      `${plan.threads} runs are stored, in as many threads; ${plan.workers} workers start`,
    );
    await Promise.all(Array.from({ length: plan.workers }, (_, place) => fleet.start(place)));
    const startedMs = performance.now();
    const all = await disturb(fleet, runs, new Set(ids), crashes, plan);
    await fleet.end();
    const seconds = (performance.now() - startedMs) / 1_000;
    const threads = new Map<string, readonly string[]>();
    for (const { runId, threadId } of all) {
      const tuple = await saver.getTuple({ configurable: { thread_id: threadId } });
      threads.set(runId, (tuple?.checkpoint.channel_values["done"] ?? []) as readonly string[]);
    }
    const pages = (await ledger.read()).filter(({ _id }) => threads.has(_id));
    const wrong = checkLedger(all, pages, threads);
    const repeated = pages.reduce((sum, page) => sum + page.repeated, 0);
    console.log(`All runs have ended after ${seconds.toFixed(0)} s.`);
    console.log(`${fleet.kills} workers were killed, ${fleet.pauses} paused.`);
    console.log(describeWaits(crashes.waitedMs));
    console.log(
      `The ledger has ${countActions(all.length)} actions, each done once. ${repeated} were asked for again, ` +
        `and ${await ledger.countRefused()} came from workers that had lost their run and were refused.`,
    );
    console.log(
      wrong.length === 0 ? "No run is lost, and nothing was done twice." : wrong.join("\n"),
    );
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await fleet.end();
  }
}

/** Kills and pauses workers until the runs have ended. */
async function disturb(
  fleet: Fleet,
  runs: Runs,
  ids: ReadonlySet<string>,
  crashes: Crashes,
  { leaseMs, faultEveryMs }: Plan,
): Promise<readonly Run[]> {
  const table = new ProgressTable();
  let nextFaultMs = performance.now() + faultEveryMs;
  for (;;) {
    const all = await listRuns(runs, ids);
    const count = (status: Run["status"]): number =>
      all.filter((run) => run.status === status).length;
    const [queued, running, done] = [count("queued"), count("running"), count("done")];
    const others = all.length - queued - running - done;
    const progress: Progress = { queued, running, done, others, crashed: crashes.waiting };
    table.print(fleet, progress);
    if (queued + running === 0) return all;
    if (performance.now() > nextFaultMs) {
      nextFaultMs = performance.now() + faultEveryMs * (0.5 + Math.random());
      const able = fleet.workers.filter(({ state }) => state === "working");
      const worker = able[Math.floor(Math.random() * able.length)];
      if (worker === undefined) continue;
      if (Math.random() < 0.6) await killAndReplace(fleet, worker, runs, ids, crashes);
      // For longer than a lease lasts, or for less.
      else fleet.pause(worker, leaseMs * (0.5 + Math.random()));
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function killAndReplace(
  fleet: Fleet,
  worker: Worker,
  runs: Runs,
  ids: ReadonlySet<string>,
  crashes: Crashes,
): Promise<void> {
  await fleet.kill(worker);
  for (const run of await listRuns(runs, ids)) {
    const wasHere = run.status === "running" && run.worker === worker.name;
    if (wasHere) crashes.note(run.runId, run.token);
  }
  await fleet.start(fleet.workers.indexOf(worker));
}

async function listRuns(runs: Runs, ids: ReadonlySet<string>): Promise<readonly Run[]> {
  const found: Run[] = [];
  let cursor: string | undefined;
  do {
    const page = await runs.list({ limit: 1_000, cursor });
    found.push(...page.runs.filter(({ runId }) => ids.has(runId)));
    cursor = found.length === ids.size ? undefined : page.cursor;
  } while (cursor !== undefined);
  return found;
}

function describeWaits(waitedMs: readonly number[]): string {
  if (waitedMs.length === 0) return "No run lost its worker.";
  const sorted = waitedMs.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! / 1_000).toFixed(1);
  return (
    `${sorted.length} runs lost their worker, and another one took them ` +
    `after ${at(0.5)} s at the median, after ${at(1)} s at most.`
  );
}
