import type { Benchmark } from "../harness/benchmark.ts";
import { figure } from "../harness/target.ts";
import { runThreads } from "../workloads/run-threads.ts";

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
  run: (bench) => runThreads(bench, threadCounts[bench.variant ?? ""] ?? 1),
};
