import type { Document } from "mongodb";
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CommandProxy } from "../../network/command-proxy.ts";
import { COLLECTION, useDatabase } from "../use-database.ts";
import { makeChain } from "./make-chain.ts";
import type { PausedOrder, PausedReport } from "./paused-worker.fixture.ts";
import { openRuns } from "./use-runs.ts";

const database = useDatabase();
const graphs = { work: makeChain({ first: () => {}, second: () => {} }) };

const LEASE_MS = 1_000;

describe("a worker that is paused past its lease", () => {
  it("changes nothing in the thread, not even by a command that it had sent before", async () => {
    const { runs, ids, handle, readLog } = openRuns(database, graphs);
    await runs.start("work", { log: ["in"] }, ids);
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let isAfterFirst = false;
    const isOfThread = (command: Document): boolean =>
      [command["update"], command["insert"], command["bulkWrite"]].some(
        (name) => name === COLLECTION || name === 1,
      );
    let late: Document | undefined;
    await using proxy = await CommandProxy.start(database.uri, async (command, send) => {
      // The checkpoint of the first step is on its way for as long as the worker is paused.
      if (!isAfterFirst || late !== undefined || !isOfThread(command)) return send(command);
      late = command;
      held.resolve();
      await release.promise;
      return send(command);
    });
    const worker = fork(fileURLToPath(new URL("paused-worker.fixture.ts", import.meta.url)), [], {
      execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    });
    const reports: PausedReport[] = [];
    worker.on("message", (report: PausedReport) => {
      reports.push(report);
      if ("step" in report) isAfterFirst = true;
    });
    const exited = once(worker, "exit");
    const { runId } = ids;
    const order: PausedOrder = { uri: proxy.uri, dbName: database.name, runId, leaseMs: LEASE_MS };
    worker.send(order);
    await held.promise;
    worker.kill("SIGSTOP");
    try {
      const done = await handleUntilDone(() => handle(runId));
      expect(done).toMatchObject({ status: "done", token: 2 });
      expect(await readLog()).toEqual(["in", "first", "second"]);
      const before = await database.readAll(ids.threadId);
      release.resolve();
      await sleep(300);
      worker.kill("SIGCONT");
      await exited;
      expect(reports.at(-1)).toMatchObject({ events: ["run-taken", "run-lease-lost"] });
      expect(await database.readAll(ids.threadId)).toEqual(before);
    } finally {
      worker.kill("SIGKILL");
    }
  });
});

describe("while a run is carried out", () => {
  it("nobody else writes to its thread, and it waits for whoever has the thread", async () => {
    const inside = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const waiting = makeChain({
      first: async () => {
        inside.resolve();
        await goOn.promise;
      },
    });
    const { runs, ids, handle, saver, readLog } = openRuns(database, { work: waiting });
    const { threadId, runId } = ids;
    await runs.start("work", { log: [] }, ids);
    const other = database.openSaverElsewhere();
    const isLeased = Promise.withResolvers<void>();
    const handBack = Promise.withResolvers<void>();
    const leased = other.withLease(threadId, async () => {
      isLeased.resolve();
      await handBack.promise;
    });
    await isLeased.promise;
    // Longer than the run waits for it: the run is queued again, and no attempt counts.
    const shortly = openRuns(database, { work: waiting }, { leaseMs: LEASE_MS });
    expect(await shortly.handle(runId)).toMatchObject({ status: "queued", attempts: 0 });
    handBack.resolve();
    await leased;
    const handled = handleUntilDone(() => handle(runId));
    await inside.promise;
    const foreign = other.update(threadId, () => ({ log: ["foreign"] }));
    await expect(foreign).rejects.toMatchObject({ code: "THREAD_LEASED", threadId });
    // What the run's own process does beside the run is foreign too.
    await expect(saver.update(threadId, () => ({ log: ["beside"] }))).rejects.toMatchObject({
      code: "THREAD_LEASED",
    });
    goOn.resolve();
    await handled;
    expect(await readLog()).toEqual(["first"]);
    await other.update(threadId, () => ({ log: ["after"] }));
    expect(await readLog()).toEqual(["after"]);
  });
});

async function handleUntilDone<T extends { readonly status: string }>(
  handle: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const run = await handle();
    if (run.status === "done") return run;
    await sleep(50);
  }
}
