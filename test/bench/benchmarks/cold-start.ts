import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { readBytesInUse } from "../harness/bytes-in-use.ts";
import { CommandLog } from "../harness/command-log.ts";
import { connect } from "../harness/connect.ts";
import { measureMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { makeSaver, needsServer } from "../harness/savers.ts";
import { figure } from "../harness/target.ts";
import { MESSAGE_LENGTH } from "../workloads/conversation.ts";
import { randomText } from "../workloads/random-text.ts";
import { makeCheckpoint } from "../workloads/make-checkpoint.ts";

/** What a web application pays that makes a saver for each request. */
export const coldStart: Benchmark = {
  name: "cold-start",
  description:
    "Savers made one after another on one new client, each for one request: getTuple of a thread of one checkpoint and put of the next one, which adds a text of 1,000 characters. Collections and indexes are there, and nobody calls setup(); set-up commands are those beyond what the same request takes with a saver that is in use",
  turns: 200,
  turnsAre: "savers",
  savers: ["threadkeep", "official"],
  targets: [
    {
      goal: "a saver after the first sends no set-up command",
      unit: "count",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "setUpCommandsLater"),
        limit: 0,
      }),
    },
    {
      goal: "an unused saver takes at most 10 KiB",
      unit: "bytes",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "heapUnusedBytes"),
        limit: 10_240,
      }),
    },
  ],
  async run({ database, saverName, turns, progress }) {
    if (database === undefined || !needsServer(saverName)) {
      throw new Error("This benchmark needs a saver on a MongoDB.");
    }
    const client = await connect(database, { monitorCommands: true });
    const log = new CommandLog(client);
    const another = await connect(database);
    try {
      return await measure({
        make: () => makeSaver(saverName, client, database.name),
        // What it sets up and keeps is another client's.
        preparing: makeSaver(saverName, another, database.name),
        log,
        turns,
        progress,
      });
    } finally {
      await client.close();
      await another.close();
    }
  },
};

interface Work extends Pick<Bench, "turns" | "progress"> {
  readonly make: () => BaseCheckpointSaver;
  readonly preparing: BaseCheckpointSaver;
  readonly log: CommandLog;
}

async function measure({ make, preparing, log, turns, progress }: Work): Promise<Outcome> {
  for (let index = 0; index < turns * 2; index += 1) {
    await putFirst(preparing, `thread-${index}`);
    progress(index + 1, turns * 2, "preparing");
  }
  // Compiled code lies on the heap too, and what was made for it is freed.
  Array.from({ length: turns }, make);
  const bytesBefore = readBytesInUse();
  const unused = Array.from({ length: turns }, make);
  const heapUnusedBytes = (readBytesInUse() - bytesBefore) / unused.length;

  const savers: BaseCheckpointSaver[] = [];
  const requests: Request[] = [];
  for (let index = 0; index < turns; index += 1) {
    const saver = make();
    savers.push(saver);
    requests.push(await measureRequest(saver, `thread-${index}`, log));
    progress(index + 1, turns, "making savers");
  }
  const heapUsedBytes = (readBytesInUse() - bytesBefore) / savers.length - heapUnusedBytes;

  const warmRequests: Request[] = [];
  for (let index = 0; index < turns; index += 1) {
    // The last one made is in use by now.
    warmRequests.push(await measureRequest(savers.at(-1)!, `thread-${turns + index}`, log));
  }
  const [first, ...later] = requests;
  const warmCommands = median(warmRequests.map(({ commands }) => commands));
  return {
    commandsPerSaver: requests.reduce((sum, { commands }) => sum + commands, 0) / turns,
    setUpCommandsFirst: first!.commands - warmCommands,
    // Of one saver alone there is no later one.
    setUpCommandsLater: Math.max(0, ...later.map(({ commands }) => commands - warmCommands)),
    firstRequestMs: first!.ms,
    ...(later.length > 0 && { requestMsP50: median(later.map(({ ms }) => ms)) }),
    warmRequestMsP50: median(warmRequests.map(({ ms }) => ms)),
    heapUnusedBytes,
    heapUsedBytes,
  };
}

interface Request {
  readonly commands: number;
  readonly ms: number;
}

async function measureRequest(
  saver: BaseCheckpointSaver,
  threadId: string,
  log: CommandLog,
): Promise<Request> {
  const before = log.commands;
  const ms = await measureMs(async () => {
    const tuple = await saver.getTuple(threadConfig(threadId));
    if (tuple === undefined) throw new Error(`${threadId} is not there.`);
    const texts = tuple.checkpoint.channel_values["texts"] as string[];
    await putTexts(saver, tuple.config, texts.concat(makeText(`${threadId} second`)), 2);
  });
  return { commands: log.commands - before, ms };
}

async function putFirst(saver: BaseCheckpointSaver, threadId: string): Promise<void> {
  await putTexts(saver, threadConfig(threadId), [makeText(threadId)], 1);
}

async function putTexts(
  saver: BaseCheckpointSaver,
  parent: RunnableConfig,
  texts: readonly string[],
  step: number,
): Promise<void> {
  const checkpoint = makeCheckpoint(step, { texts });
  const metadata = { source: "loop", step, parents: {} } as const;
  await saver.put(parent, checkpoint, metadata, checkpoint.channel_versions);
}

function threadConfig(threadId: string): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: "" } };
}

function makeText(seed: string): string {
  return randomText(seed, MESSAGE_LENGTH);
}
