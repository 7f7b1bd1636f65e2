import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createRuns, type Run, type Runs } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";
import type { WorkerOrder } from "./worker-order.ts";

/** A fleet of workers, and what happens to it. */
export interface FleetPlan {
  readonly uri: string;
  readonly database: string;
  readonly seed: number;
  readonly workers: number;
  readonly runs: number;
  readonly steps: number;
  readonly stepMs: number;
  readonly concurrency: number;
  /** On average, until the runs have ended. */
  readonly faultEveryMs: number;
  readonly options: WorkerOrder["options"];
  readonly deadlineMs: number;
}

/** What came of a fleet. */
export interface FleetResult {
  readonly seconds: number;
  readonly runs: readonly Run[];
  readonly kills: number;
  readonly pauses: number;
  /** Writes that the ledger refused because their token was outdated. */
  readonly refused: number;
  /** From the end of a worker to the first step of its run by another one, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  /** What is wrong. */
  readonly violations: readonly string[];
}

/** A worker's process. */
interface Member {
  readonly name: string;
  readonly child: ChildProcess;
}

/** Has a fleet carry out runs while its workers are killed and paused at random. */
export async function runFleet(plan: FleetPlan): Promise<FleetResult> {
  const client = new MongoClient(plan.uri);
  const fleet = new Fleet(plan);
  try {
    const saver = new MongoDBSaver({ client, dbName: plan.database });
    const ledger = new Ledger(client.db(plan.database));
    const runs = createRuns({ saver, graphs: { work: {} } });
    const startedMs = performance.now();
    await fleet.fill();
    const ids = Array.from({ length: plan.runs }, (_, index) => `run-${index}`);
    for (const id of ids) await runs.start("work", { taken: [] }, { threadId: id, runId: id });
    const all = await fleet.disturbUntil(() => haveEnded(runs, ids));
    const seconds = (performance.now() - startedMs) / 1_000;
    const entries = await ledger.read();
    const violations: string[] = [];
    for (const run of all) {
      const tuple = await saver.getTuple({ configurable: { thread_id: run.threadId } });
      const taken = tuple?.checkpoint.channel_values["taken"] as readonly number[] | undefined;
      violations.push(...checkRun(run, entries, taken, plan.steps));
    }
    const recoveriesMs = fleet.measureRecoveries(entries);
    const refused = await ledger.countRefused();
    const { kills, pauses } = fleet;
    return { seconds, runs: all, kills, pauses, refused, recoveriesMs, violations };
  } finally {
    await fleet.end();
    await client.close();
  }
}

/** Undefined until all have. */
async function haveEnded(runs: Runs, ids: readonly string[]): Promise<Run[] | undefined> {
  const ended: Run[] = [];
  let cursor: string | undefined;
  do {
    const page = await runs.list({ limit: 1_000, cursor });
    ended.push(...page.runs.filter(({ endedAt }) => endedAt !== undefined));
    ({ cursor } = page);
  } while (cursor !== undefined);
  return ended.length === ids.length ? ended : undefined;
}

/** What must hold of each run: it ended, each step was stored once, and no two workers had it at the same time. */
function checkRun(
  { runId, status, token }: Run,
  entries: readonly LedgerEntry[],
  taken: readonly number[] | undefined,
  steps: number,
): string[] {
  const violations: string[] = [];
  if (status !== "done") violations.push(`${runId} is ${status}`);
  if (JSON.stringify(taken) !== JSON.stringify(Array.from({ length: steps }, (_, step) => step))) {
    violations.push(`${runId} has taken ${JSON.stringify(taken)}`);
  }
  const own = entries.filter(({ run }) => run === runId);
  let last = 0;
  for (const entry of own) {
    if (entry.token < last) violations.push(`${runId}: token ${entry.token} wrote after ${last}`);
    last = entry.token;
  }
  const ofToken = new Map<number, Set<string>>();
  for (const entry of own) {
    const workers = ofToken.get(entry.token) ?? new Set();
    ofToken.set(entry.token, workers.add(entry.worker));
  }
  for (const [held, workers] of ofToken) {
    if (workers.size > 1)
      violations.push(`${runId}: ${[...workers].join(" and ")} had token ${held}`);
  }
  for (let step = 0; step < steps; step += 1) {
    if (!own.some((entry) => entry.step === step))
      violations.push(`${runId} never took step ${step}`);
  }
  if (last > token) violations.push(`${runId}: token ${last} wrote, and the record has ${token}`);
  return violations;
}

class Fleet {
  readonly #plan: FleetPlan;
  readonly #random: Random;
  readonly #members: Member[] = [];
  readonly #ends: { readonly worker: string; readonly at: Date }[] = [];
  #started = 0;
  kills = 0;
  pauses = 0;

  constructor(plan: FleetPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
  }

  async fill(): Promise<void> {
    const missing = this.#plan.workers - this.#members.length;
    await Promise.all(Array.from({ length: missing }, () => this.#startWorker()));
  }

  /** Kills and pauses workers until something has happened. */
  async disturbUntil<T>(find: () => Promise<T | undefined>): Promise<T> {
    const deadlineMs = performance.now() + this.#plan.deadlineMs;
    for (;;) {
      const found = await find();
      if (found !== undefined) return found;
      if (performance.now() > deadlineMs) throw new Error("The runs did not end in time.");
      await sleep(this.#plan.faultEveryMs * (0.5 + this.#random.next()));
      const index = Math.floor(this.#random.next() * this.#members.length);
      const member = this.#members[index]!;
      if (this.#random.next() < 0.6) {
        this.#members.splice(index, 1);
        await this.#kill(member);
        await this.fill();
      } else {
        this.#pause(member);
      }
    }
  }

  /** How long each run that a killed worker had went without a worker. */
  measureRecoveries(entries: readonly LedgerEntry[]): number[] {
    return this.#ends.flatMap(({ worker, at }) => {
      const latest = new Map<string, LedgerEntry>();
      for (const entry of entries) if (entry.at <= at) latest.set(entry.run, entry);
      return [...latest.values()]
        .filter((entry) => entry.worker === worker)
        .flatMap(({ run, token }) => {
          const next = entries.find((other) => other.run === run && other.token > token);
          return next === undefined ? [] : [next.at.getTime() - at.getTime()];
        });
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => this.#kill(member)));
  }

  async #startWorker(): Promise<void> {
    const { uri, database, steps, stepMs, concurrency, options } = this.#plan;
    const name = `worker-${(this.#started += 1)}`;
    const order: WorkerOrder = { uri, database, name, concurrency, steps, stepMs, options };
    const child = fork(
      fileURLToPath(new URL("worker-process.ts", import.meta.url)),
      [JSON.stringify(order)],
      {
        execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      },
    );
    await Promise.race([once(child, "message"), once(child, "exit")]);
    this.#members.push({ name, child });
  }

  async #kill({ name, child }: Member): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    this.#ends.push({ worker: name, at: new Date() });
    this.kills += 1;
  }

  /** For longer than a lease lasts, or for less. Meanwhile the others are disturbed. */
  #pause({ child }: Member): void {
    const leaseMs = this.#plan.options.leaseMs ?? 10_000;
    child.kill("SIGSTOP");
    this.pauses += 1;
    const forMs = leaseMs * (0.5 + 1.5 * this.#random.next());
    setTimeout(() => child.kill("SIGCONT"), forMs).unref();
  }
}
