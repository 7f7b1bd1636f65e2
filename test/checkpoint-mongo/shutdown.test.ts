import { installShutdownHooks } from "@threadkeep/checkpoint-mongo";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

vi.setConfig({ testTimeout: 60_000 });

const database = useDatabase();
const FIXTURE = fileURLToPath(new URL("shutdown.fixture.ts", import.meta.url));

/** Runs the worker until it has begun a step, ends it by signals, and returns what it said since. */
async function endWorker(
  threadId: string,
  mode: string,
  signals: readonly NodeJS.Signals[],
  step = 2,
) {
  const args = [
    "--conditions=@threadkeep/source",
    FIXTURE,
    database.uri,
    database.name,
    threadId,
    mode,
  ];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  let signalledMs: number | undefined;
  createInterface({ input: worker.stdout }).on("line", (line) => {
    said.push(line);
    if (signalledMs !== undefined || line !== `step ${step}`) return;
    signalledMs = performance.now();
    said.length = 0;
    for (const [index, signal] of signals.entries())
      setTimeout(() => worker.kill(signal), 200 * index);
  });
  const [exitCode, signal] = (await once(worker, "close")) as [number | null, string | null];
  const report = said.find((line) => line.startsWith("report "))?.slice("report ".length);
  const elapsedMs = performance.now() - (signalledMs ?? NaN);
  return { exitCode, signal, elapsedMs, said, report: report && (JSON.parse(report) as object) };
}

describe.concurrent("a process with shutdown hooks", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "on %s stops before the next step, saves what was done, and ends by the signal",
    async (signal) => {
      const threadId = `drained-${signal}`;
      const end = await endWorker(threadId, "tracked", [signal]);
      expect(end).toMatchObject({
        signal,
        report: { reason: signal, isComplete: true, unfinishedRuns: 0, unsaved: 0 },
      });
      expect(end.said).toContain("ended GraphDrained");
      // The step under way was the last: it is saved, and the next one is still to do.
      expect(end.said.filter((line) => line.startsWith("step"))).toEqual([]);
      const saver = database.openSaver();
      expect(await saver.threads.get(threadId)).toMatchObject({ status: "busy" });
      const tuple = await saver.getTuple(threadConfig(threadId));
      expect(tuple!.checkpoint.channel_values["steps"]).toBe(3);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    },
  );

  it("at the deadline reports the run that has not ended, and ends all the same", async () => {
    const end = await endWorker("slow", "slow", ["SIGTERM"], 0);
    expect(end).toMatchObject({
      signal: "SIGTERM",
      report: { isComplete: false, unfinishedRuns: 1, unsaved: 0 },
    });
  });

  it("waits for puts under way of a run that it was not told of", async () => {
    const end = await endWorker("untracked", "untracked", ["SIGTERM"]);
    expect(end).toMatchObject({ signal: "SIGTERM", report: { isComplete: true } });
    expect((await database.openSaver().verifyThread("untracked")).damages).toEqual([]);
  });

  it("ends at once by a second signal, long before the deadline", async () => {
    const end = await endWorker("twice", "stuck", ["SIGTERM", "SIGTERM"], 0);
    expect(end).toMatchObject({ signal: "SIGTERM", said: [] });
    expect(end.elapsedMs).toBeLessThan(10_000);
  });
});

describe("shutDown", () => {
  it("waits for puts under way, and reports those that failed since", async () => {
    const saver = database.openSaver({
      onCheckpointSize: { hardLimitBytes: 1_000 },
      onEvent: () => {},
    });
    const hooks = installShutdownHooks(saver, { deadlineMs: 10_000 });
    const stored = putCheckpoint(saver, threadConfig("stored"), makeCheckpoint({ a: 1 }));
    const refused = putCheckpoint(
      saver,
      threadConfig("refused"),
      makeCheckpoint({ a: "x".repeat(2_000) }),
    );
    refused.catch(() => {});
    expect(hooks.isShuttingDown).toBe(false);
    const report = await hooks.shutDown("deploy");
    expect(hooks.isShuttingDown).toBe(true);
    expect(report).toMatchObject({
      reason: "deploy",
      isComplete: false,
      unsaved: [{ operation: "put", threadId: "refused", error: { code: "CHECKPOINT_TOO_LARGE" } }],
    });
    await stored;
    hooks.uninstall();
  });

  it("takes its listeners off the process again", () => {
    const before = process.listenerCount("SIGTERM");
    const hooks = installShutdownHooks([database.openSaver()]);
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    hooks.uninstall();
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  it("refuses options that there are not, and what is no saver, before it listens", () => {
    const before = process.listenerCount("SIGTERM");
    expect(() => installShutdownHooks(database.openSaver(), { deadlineMS: 1 } as never)).toThrow(
      "did you mean deadlineMs?",
    );
    expect(() => installShutdownHooks([])).toThrow("expected a MongoDBSaver");
    expect(() => installShutdownHooks({} as never)).toThrow("expected a MongoDBSaver");
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });
});
