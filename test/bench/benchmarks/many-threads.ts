import type { Benchmark } from "../harness/benchmark.ts";
import { figure } from "../harness/target.ts";
import { runThreads } from "../workloads/run-threads.ts";

const THREADS = 64;

/** A server process with many chats at once. */
export const manyThreads: Benchmark = {
  name: "many-threads",
  description: "64 threads of long-thread's kind at once in one process",
  turns: 50,
  turnsAre: "turns of each thread",
  savers: ["threadkeep", "official", "memory", "none"],
  targets: [
    {
      goal: "turns per second at least 2 × the official saver's",
      unit: "per second",
      direction: "at least",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnsPerSecond"),
        limit: figure(rows, "official", "turnsPerSecond", { times: 2 }),
      }),
    },
  ],
  run: (bench) => runThreads(bench, THREADS),
};
