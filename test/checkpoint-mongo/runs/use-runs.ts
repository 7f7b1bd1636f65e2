import {
  createRunHandler,
  createRuns,
  type Graphs,
  type Run,
  type RunHandler,
  type RunHandlerOptions,
  type Runs,
} from "@threadkeep/checkpoint-mongo/runs";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { TestDatabase } from "../use-database.ts";

/** What the tests of runs work with. */
export interface TestRuns {
  readonly saver: MongoDBSaver;
  readonly runs: Runs;
  readonly handle: RunHandler;
  /** The ids of a new run and its thread. */
  readonly ids: { readonly threadId: string; readonly runId: string };
  /** What the steps of a thread have noted. */
  readonly readLog: (threadId?: string) => Promise<unknown>;
}

/** Opens the runs of a process that has just started. */
export function openRuns(
  database: TestDatabase,
  graphs: Graphs,
  options: Partial<RunHandlerOptions> = {},
  saver: MongoDBSaver = database.openSaver(),
): TestRuns {
  const ids = { threadId: randomUUID(), runId: randomUUID() };
  return {
    saver,
    runs: createRuns({ saver, graphs }),
    handle: createRunHandler({ saver, graphs, ...options }),
    ids,
    readLog: async (threadId = ids.threadId) => {
      const tuple = await saver.getTuple({ configurable: { thread_id: threadId } });
      return tuple?.checkpoint.channel_values["log"];
    },
  };
}

/** Waits until a run stands somewhere. */
export async function waitFor(
  runs: Runs,
  runId: string,
  status: Run["status"],
  timeoutMs = 15_000,
): Promise<Run> {
  await expect
    .poll(async () => (await runs.get(runId))?.status, { timeout: timeoutMs, interval: 20 })
    .toBe(status);
  return (await runs.get(runId))!;
}
