import { MongoClient } from "mongodb";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { checkHistory } from "../checker/check-history.ts";
import type { Violation } from "../checker/violation.ts";
import type { ClientOrder, Mix } from "../clients/client-order.ts";
import { startClient, type Client } from "../clients/start-client.ts";
import type { History, Plan, PlannedThread } from "../history/history.ts";
import { planFile, readHistory } from "../history/read-history.ts";
import type { PartResult, PartSetting } from "./part.ts";
import { readCold } from "./read-cold.ts";

const LONGEST_WAIT_MS = 5_000;

/** What a part does while it runs. */
export class Part {
  readonly random: Random;
  readonly faults: Record<string, number> = {};
  private readonly setting: PartSetting;
  private readonly order: Omit<ClientOrder, "uri" | "process" | "seed">;
  private endMs: number;
  private readonly clients = new Set<Client>();
  private started = 0;

  constructor(setting: PartSetting, order: Omit<ClientOrder, "uri" | "process" | "seed">) {
    this.setting = setting;
    this.order = order;
    this.random = new Random(setting.seed);
    this.endMs = performance.now() + setting.durationMs;
  }

  /** Whether the time is over, or there were enough faults. */
  get isOver(): boolean {
    return (
      performance.now() > this.endMs || this.countFaults() >= (this.setting.faults ?? Infinity)
    );
  }

  /** Lets the time begin now: starting many processes may have taken most of it. */
  begin(): void {
    this.endMs = performance.now() + this.setting.durationMs;
  }

  /** How much of the time is left. */
  get restMs(): number {
    return Math.max(0, this.endMs - performance.now());
  }

  /**
   * Waits for clients to get on: however slow the machine is, something fails while they are at work.
   *
   * @param calls of these clients that have to end from now on
   */
  async waitForCalls(clients: Iterable<Client>, calls: number): Promise<void> {
    const count = (): number => Array.from(clients).reduce((sum, one) => sum + one.calls, 0);
    const enough = count() + calls;
    // They may all be held up by what was done to them before.
    const limitMs = performance.now() + LONGEST_WAIT_MS;
    while (count() < enough && performance.now() < limitMs && !this.isOver) await sleep(5);
  }

  count(fault: string): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
    const { faults, report } = this.setting;
    report(`${this.countFaults()}${faults === undefined ? "" : ` of ${faults}`} faults`);
  }

  /** @param uri the way by which it reaches the server */
  async startClient(uri: string): Promise<Client> {
    const number = (this.started += 1);
    const seed = this.setting.seed * 1_000 + number;
    const client = await startClient({ ...this.order, uri, process: `client-${number}`, seed });
    this.clients.add(client);
    return client;
  }

  async stopClients(): Promise<void> {
    await Promise.all(Array.from(this.clients, (client) => client.stop()));
  }

  /** Clients that ended though nobody ended them. */
  listCrashes(): Violation[] {
    return Array.from(this.clients).flatMap(({ crash }) =>
      crash === undefined ? [] : [{ kind: "crashed" as const, what: crash, shownBy: undefined }],
    );
  }

  private countFaults(): number {
    return Object.values(this.faults).reduce((sum, count) => sum + count, 0);
  }
}

/**
 * Runs clients while something is done to them, has everything read by one who had nothing in memory,
 * and checks what all of them recorded.
 *
 * @param work ends when the part is over; the clients are stopped after it
 */
export async function runPart(
  name: Plan["part"],
  setting: PartSetting,
  { threads, mix }: { readonly threads: readonly PlannedThread[]; readonly mix: Mix },
  work: (part: Part) => Promise<void>,
): Promise<PartResult> {
  const startMs = performance.now();
  const directory = mkdtempSync(join(tmpdir(), `threadkeep-faults-${name}-${setting.seed}-`));
  const plan: Plan = { part: name, seed: setting.seed, threads };
  writeFileSync(planFile(directory), JSON.stringify(plan));
  const dbName = `threadkeep_faults_${randomBytes(8).toString("hex")}`;
  const part = new Part(setting, { dbName, directory, threads, mix });
  const mongoClient = new MongoClient(setting.uri);
  try {
    try {
      await work(part);
    } finally {
      await part.stopClients();
    }
    setting.report("reading everything");
    await readCold(mongoClient, { dbName, directory, threads });
    setting.report("checking the history");
    const history = readHistory(directory);
    const violations = [...checkHistory(history), ...part.listCrashes()];
    if (violations.length === 0) rmSync(directory, { recursive: true });
    return {
      ...summarize(history),
      faults: part.faults,
      seconds: (performance.now() - startMs) / 1_000,
      violations,
      byKind: countBy(violations, ({ kind }) => kind),
      directory: violations.length === 0 ? undefined : directory,
    };
  } finally {
    await mongoClient.db(dbName).dropDatabase();
    await mongoClient.close();
  }
}

function summarize({
  plan,
  calls,
}: History): Omit<PartResult, "faults" | "seconds" | "violations" | "byKind" | "directory"> {
  const ended = calls.filter(({ outcome }) => outcome.kind === "ok");
  const count = (...ops: readonly string[]) =>
    ended.filter(({ call }) => ops.includes(call.op)).length;
  const failures = calls.flatMap(({ outcome }) =>
    outcome.kind === "failed" ? [outcome.failure] : [],
  );
  const durations = calls.flatMap(({ invokedAtMs, outcome }) =>
    outcome.kind === "unknown" ? [] : [outcome.atMs - invokedAtMs],
  );
  return {
    part: plan.part,
    seed: plan.seed,
    calls: calls.length,
    acknowledgedCheckpoints: count("put"),
    acknowledgedWrites: count("putWrites"),
    reads: count("getTuple", "list", "verifyThread"),
    errors: countBy(failures, ({ code, name }) => code ?? name),
    longestCallMs: durations.reduce((longest, one) => Math.max(longest, one), 0),
  };
}

function countBy<T, K extends string>(
  items: readonly T[],
  keyOf: (item: T) => K,
): Record<K, number> {
  const groups = Map.groupBy(items, keyOf);
  return Object.fromEntries(Array.from(groups, ([key, group]) => [key, group.length])) as Record<
    K,
    number
  >;
}
