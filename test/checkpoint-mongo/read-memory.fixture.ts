/**
 * Reads threads in every way, one after the other: `URI DATABASE SETTINGS THREAD…`. Run as a process of
 * its own. Prints as JSON what each read of each thread ended with, and the most memory that the process
 * has had by then.
 */
import {
  MongoDBSaver,
  ThreadkeepError,
  type MongoDBSaverSettings,
} from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, putCheckpoint } from "./make-checkpoint.ts";

/** What became of a thread's reads. */
export interface ReadOutcome {
  readonly threadId: string;
  readonly outcomes: Readonly<Record<string, string>>;
  readonly peakBytes: number;
}

const [uri, dbName, settings, ...threadIds] = process.argv.slice(2);
const options = JSON.parse(settings!) as MongoDBSaverSettings;
await using saver = MongoDBSaver.fromConnString(uri!, { dbName, ...options });
const report: ReadOutcome[] = [];

for (const threadId of threadIds) {
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const outcomes = {
    getTuple: await endOf(() => saver.getTuple(config)),
    list: await endOf(() => Array.fromAsync(saver.list(config))),
    verifyThread: await endOf(async () => {
      const { damages } = await saver.verifyThread(threadId);
      if (damages.length > 0)
        throw Object.assign(new Error("damage was found"), { code: "damages" });
    }),
    put: await endOf(async () => {
      const latest = { configurable: { ...config.configurable, checkpoint_id: "1" } };
      await putCheckpoint(saver, latest, makeCheckpoint({ list: ["x".repeat(400)] }, { id: "2" }));
    }),
  };
  report.push({ threadId, outcomes, peakBytes: process.resourceUsage().maxRSS * 1_024 });
}
console.log(JSON.stringify(report));

async function endOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "done";
  } catch (error) {
    if (ThreadkeepError.isInstance(error)) return error.code;
    return String((error as { code?: unknown }).code ?? error);
  }
}
