import { uuid6 } from "@langchain/langgraph-checkpoint";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import type { Way, WorkOrder, WorkReport } from "./lease-worker.ts";
import { threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const PROCESSES = 8;
/** For each process. `INCREMENTS=200` for the long form. */
const INCREMENTS = Number(process.env["INCREMENTS"] ?? 15);
const TIMEOUT_MS = 60_000 + 8_000 * INCREMENTS;

it.each(["lease", "compare-and-set", "reject"] as const)(
  `of what ${PROCESSES} processes count up in one thread, nothing is lost and nothing twice: by %s`,
  { timeout: TIMEOUT_MS },
  async (way) => {
    const threadId = uuid6(0);
    const workers = Array.from({ length: PROCESSES }, () => startWorker(threadId, way));
    const reports = await Promise.all(workers.map(({ report }) => report));
    await expectExact(threadId, PROCESSES * INCREMENTS);
    const durations = reports.flatMap((report) => report.durations).toSorted((a, b) => a - b);
    printMeasured(way, durations, reports);
    if (way === "lease") expectRising(reports);
  },
);

it(
  "workers that are paused past their lease lose it, and change nothing after that",
  { timeout: TIMEOUT_MS },
  async () => {
    const threadId = uuid6(0);
    const workers = Array.from({ length: 4 }, () =>
      startWorker(threadId, "lease", { ttlMs: 1_000, tells: true }),
    );
    let leases = 0;
    for (const { child } of workers) {
      child.on("message", (message) => {
        // Whoever has the lease is stopped in the middle of its work, now and then for longer than that lasts.
        if (message === "holds") void pause(child, leases++ % 10 === 3 ? 2_500 : 20);
      });
    }
    const reports = Promise.all(workers.map(({ report }) => report));
    const done = await reports;
    await expectExact(threadId, 4 * INCREMENTS);
    expectRising(done);
    const lost = done.reduce((sum, { refused }) => sum + (refused["LEASE_LOST"] ?? 0), 0);
    printMeasured("lease with SIGSTOP", [], done);
    expect(lost).toBeGreaterThan(0);
  },
);

/** One chain, in which each checkpoint counts one more than its parent. */
async function expectExact(threadId: string, count: number): Promise<void> {
  const saver = database.openSaver();
  const counts: unknown[] = [];
  for await (const { checkpoint } of saver.list(threadConfig(threadId))) {
    counts.push(checkpoint.channel_values["count"]);
  }
  // Also nothing was done twice, and whoever was refused left nothing.
  expect(counts).toEqual(Array.from({ length: count }, (_, place) => count - place));
  expect((await saver.verifyThread(threadId)).damages).toEqual([]);
}

/** No two leases have the same token. */
function expectRising(reports: readonly WorkReport[]): void {
  const tokens = reports.flatMap((one) => one.tokens);
  expect(new Set(tokens).size).toBe(tokens.length);
  for (const own of reports) expect(own.tokens).toEqual(own.tokens.toSorted((a, b) => a - b));
}

async function pause(child: ChildProcess, milliseconds: number): Promise<void> {
  child.kill("SIGSTOP");
  await sleep(milliseconds);
  child.kill("SIGCONT");
}

/** Starts a process that counts up. */
function startWorker(
  threadId: string,
  way: Way,
  { ttlMs = 30_000, tells = false }: Partial<Pick<WorkOrder, "ttlMs" | "tells">> = {},
): { readonly child: ChildProcess; readonly report: Promise<WorkReport> } {
  const child = fork(fileURLToPath(new URL("lease-worker.ts", import.meta.url)), {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const order: WorkOrder = {
    uri: database.uri,
    dbName: database.name,
    threadId,
    way,
    times: INCREMENTS,
    ttlMs,
    tells,
  };
  child.send(order);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`A worker ended with code ${code} before it reported.`);
  });
  const reported = new Promise<WorkReport>((resolve) => {
    child.on("message", (message) => {
      if (message !== "holds") resolve(message as WorkReport);
    });
  });
  ended.catch(() => undefined);
  return { child, report: Promise.race([reported, ended]) };
}

/** With `INCREMENTS` set, says what was measured. */
function printMeasured(
  what: string,
  durations: readonly number[],
  reports: readonly WorkReport[],
): void {
  if (process.env["INCREMENTS"] === undefined) return;
  const at = (share: number): string =>
    `${Math.round(durations[Math.floor(share * (durations.length - 1))] ?? 0)} ms`;
  const refused = JSON.stringify(reports.map((one) => one.refused));
  console.log(`${what}: median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}; refused ${refused}`);
}
