import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { readCpuMs, readCpuMsOf } from "../harness/cpu-time.ts";
import { median, percentile } from "../harness/percentile.ts";
import { figure } from "../harness/target.ts";
import { Conversation, TURN_CONTENT_BYTES } from "../workloads/conversation.ts";

const AT_ONCE = "64 threads at once";
const ALONE = "one thread alone";
const threadCounts: Readonly<Record<string, number>> = { [AT_ONCE]: 64, [ALONE]: 1 };

/** What most threads are: short. And what most processes do: serve many of them. */
export const shortThreads: Benchmark = {
  name: "short-threads",
  description:
    "Threads of long-thread's kind from their first turn on, 64 at once in one process, and one alone; the client's CPU time has LangGraph's and the benchmark's own in it",
  turns: 20,
  turnsAre: "turns of each thread",
  savers: ["threadkeep", "official", "memory", "none"],
  variants: Object.keys(threadCounts),
  targets: [
    {
      goal: `${AT_ONCE}: turns per second at least 2 × the official saver's`,
      unit: "per second",
      direction: "at least",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnsPerSecond", { variant: AT_ONCE }),
        limit: figure(rows, "official", "turnsPerSecond", { variant: AT_ONCE, times: 2 }),
      }),
    },
    {
      goal: `${AT_ONCE}: client CPU a turn at most the official saver's`,
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "cpuMsPerTurn", { variant: AT_ONCE }),
        limit: figure(rows, "official", "cpuMsPerTurn", { variant: AT_ONCE }),
      }),
    },
    {
      goal: `${AT_ONCE}: at most 2 commands a turn`,
      unit: "count",
      direction: "at most",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "commandsPerTurn", { variant: AT_ONCE }),
        limit: 2,
      }),
    },
    {
      goal: `${ALONE}: at most 6 commands a turn`,
      unit: "count",
      direction: "at most",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "commandsPerTurn", { variant: ALONE }),
        limit: 6,
      }),
    },
  ],
  run: runThreads,
};

async function runThreads({ open, database, turns, variant, progress }: Bench): Promise<Outcome> {
  const conversations = Array.from(
    { length: threadCounts[variant ?? ""] ?? 1 },
    (_, index) => new Conversation(open.saver, { threadId: `thread-${index}` }),
  );
  const total = conversations.length * turns;
  const turnMs: number[] = [];
  const commandsBefore = open.commands.commands;
  const serverCpuBefore = readCpuMsOf(database?.serverPid);
  const cpuBefore = readCpuMs();
  const start = performance.now();
  await Promise.all(
    conversations.map(async (conversation) => {
      for (let turn = 1; turn <= turns; turn += 1) {
        turnMs.push(await conversation.runTurn());
        progress(turnMs.length, total);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  const cpuMsPerTurn = (readCpuMs() - cpuBefore) / total;
  const serverCpu = readCpuMsOf(database?.serverPid);
  const bytesStored = await open.countBytesStored();
  return {
    ...(bytesStored !== undefined && { bytesStored }),
    contentBytes: total * TURN_CONTENT_BYTES,
    turnsPerSecond: total / seconds,
    turnMsP50: median(turnMs),
    turnMsP99: percentile(turnMs, 0.99),
    commandsPerTurn: (open.commands.commands - commandsBefore) / total,
    cpuMsPerTurn,
    ...(serverCpu !== undefined &&
      serverCpuBefore !== undefined && {
        serverCpuMsPerTurn: (serverCpu - serverCpuBefore) / total,
      }),
  };
}
