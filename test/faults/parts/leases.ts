import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { threadConfig } from "../../checkpoint-mongo/make-checkpoint.ts";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import type { Violation } from "../checker/violation.ts";
import { checkLeases, readIncrements, type StoredCounts } from "../leases/check-leases.ts";
import { startLeaseClient, type LeaseClient } from "../leases/lease-client.ts";
import {
  LEASE_TTL_MS,
  LEASED,
  REJECTING,
  type Counted,
  type LeaseLine,
} from "../leases/lease-order.ts";
import type { PartResult, PartSetting } from "./part.ts";

const CLIENTS = 8;
const HOUR_MS = 3_600_000;
/** Longer than a lease. */
const PAUSE_MS = 1.6 * LEASE_TTL_MS;
const MAX_WAIT_MS = 5_000;
const MAX_INCREMENTS = 12;

/** Processes with clocks of their own count up in two threads, and lose their lease in every way. */
export async function runLeases(
  setting: PartSetting,
  { clients: wanted = CLIENTS }: { readonly clients?: number } = {},
): Promise<PartResult> {
  const startMs = performance.now();
  const { seed, uri, report, durationMs, faults: maxFaults = Infinity } = setting;
  const directory = mkdtempSync(join(tmpdir(), `threadkeep-faults-leases-${seed}-`));
  const dbName = `threadkeep_faults_${randomBytes(8).toString("hex")}`;
  const random = new Random(seed);
  const faults: Record<string, number> = {};
  const all: LeaseClient[] = [];
  const start = async (): Promise<LeaseClient> => {
    const number = all.length + 1;
    const name = `client-${number}`;
    // Right, an hour ahead, and an hour behind.
    const clockAheadMs = (((number + 1) % 3) - 1) * HOUR_MS;
    const file = join(directory, `${name}.jsonl`);
    const order = { dbName, process: name, file, clockAheadMs, seed: seed * 1_000 + number };
    const client = await startLeaseClient(uri, order);
    all.push(client);
    return client;
  };
  const mongoClient = new MongoClient(uri);
  try {
    const living = new Set<LeaseClient>();
    for (let index = 0; index < wanted; index += 1) living.add(await start());
    const endMs = performance.now() + durationMs;
    const count = (): number => Object.values(faults).reduce((sum, one) => sum + one, 0);
    for (let turn = 0; performance.now() < endMs && count() < maxFaults; turn += 1) {
      await waitForIncrements(living, random.between(1, MAX_INCREMENTS));
      const victim = await waitForHolder(living);
      if (victim === undefined) continue;
      const [name, act] = FAULTS[turn % FAULTS.length]!;
      await act(victim);
      if (name === "SIGKILL") {
        living.delete(victim);
        living.add(await start());
      }
      faults[name] = (faults[name] ?? 0) + 1;
      report(`${count()} faults`);
    }
    await Promise.all(Array.from(living, (client) => client.stop()));
    report("reading everything");
    const stored = {
      [LEASED]: await readCounts(mongoClient, dbName, LEASED),
      [REJECTING]: await readCounts(mongoClient, dbName, REJECTING),
    };
    const increments = readdirSync(directory).flatMap((file) =>
      readIncrements(readLines(join(directory, file))),
    );
    const crashes = all.flatMap(({ crash }): Violation[] =>
      crash === undefined ? [] : [{ kind: "crashed", what: crash, shownBy: undefined }],
    );
    const violations = [...checkLeases(increments, stored), ...crashes];
    if (violations.length === 0) rmSync(directory, { recursive: true });
    const codes = increments.flatMap(({ code, outcome }) =>
      outcome === "failed" ? [code ?? "untyped"] : [],
    );
    return {
      part: "leases",
      seed,
      seconds: (performance.now() - startMs) / 1_000,
      faults,
      calls: increments.length,
      acknowledgedCheckpoints: increments.filter(({ outcome }) => outcome === "done").length,
      acknowledgedWrites: 0,
      reads: increments.length,
      errors: countEach(codes),
      longestCallMs: increments.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0),
      violations,
      byKind: countEach(violations.map(({ kind }) => kind)),
      directory: violations.length === 0 ? undefined : directory,
    };
  } finally {
    await Promise.all(all.map((client) => client.kill()));
    await mongoClient.db(dbName).dropDatabase();
    await mongoClient.close();
  }
}

/** What happens to a process that has the lease just now. */
const FAULTS: readonly (readonly [string, (client: LeaseClient) => Promise<void>])[] = [
  [
    "SIGSTOP past the lease",
    async (client) => {
      client.signal("SIGSTOP");
      await sleep(PAUSE_MS);
      client.signal("SIGCONT");
    },
  ],
  ["partition past the lease", (client) => client.network.pause(PAUSE_MS)],
  ["SIGKILL", (client) => client.kill()],
  ["connections reset", async (client) => void client.network.reset()],
  ["half-open", async (client) => void client.network.forget()],
];

async function waitForIncrements(clients: ReadonlySet<LeaseClient>, count: number): Promise<void> {
  const sum = (): number => Array.from(clients).reduce((total, { ended }) => total + ended, 0);
  const enough = sum() + count;
  const limitMs = performance.now() + MAX_WAIT_MS;
  while (sum() < enough && performance.now() < limitMs) await sleep(5);
}

async function waitForHolder(clients: ReadonlySet<LeaseClient>): Promise<LeaseClient | undefined> {
  const limitMs = performance.now() + MAX_WAIT_MS;
  while (performance.now() < limitMs) {
    const holder = [...clients].find(({ holds }) => holds);
    if (holder !== undefined) return holder;
    await sleep(2);
  }
  return undefined;
}

/** By a process that had nothing in memory. */
async function readCounts(
  client: MongoClient,
  dbName: string,
  threadId: string,
): Promise<StoredCounts> {
  const saver = new MongoDBSaver({ client, dbName });
  const tuples = await Array.fromAsync(saver.list(threadConfig(threadId)));
  const { damages } = await saver.verifyThread(threadId);
  return {
    counts: tuples
      .toReversed()
      .map(({ checkpoint }) => checkpoint.channel_values["counted"] as Counted),
    damages: tuples.length === 0 ? [] : damages.map((damage) => JSON.stringify(damage)),
  };
}

function readLines(file: string): LeaseLine[] {
  const text = readFileSync(file, "utf8");
  // Its process may have been killed in the middle of the last line.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LeaseLine);
}

function countEach<K extends string>(names: readonly K[]): Record<K, number> {
  const groups = Map.groupBy(names, (name) => name);
  return Object.fromEntries(Array.from(groups, ([name, those]) => [name, those.length])) as Record<
    K,
    number
  >;
}
