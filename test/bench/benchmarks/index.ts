import type { Benchmark } from "../harness/benchmark.ts";
import { coldRead } from "./cold-read.ts";
import { coldStart } from "./cold-start.ts";
import { deltaHistory } from "./delta-history.ts";
import { deltaValues } from "./delta-values.ts";
import { editMiddle } from "./edit-middle.ts";
import { encryption } from "./encryption.ts";
import { eventLoop } from "./event-loop.ts";
import { fileMap } from "./file-map.ts";
import { fork } from "./fork.ts";
import { largeState } from "./large-state.ts";
import { latency } from "./latency.ts";
import { lifecycle } from "./lifecycle.ts";
import { longThread } from "./long-thread.ts";
import { manyThreads } from "./many-threads.ts";
import { rate } from "./rate.ts";
import { shortThreads } from "./short-threads.ts";
import { store } from "./store.ts";

/** All benchmarks of savers, in the order in which `all` runs them. */
export const benchmarks: readonly Benchmark[] = [
  shortThreads,
  latency,
  manyThreads,
  rate,
  longThread,
  deltaValues,
  coldRead,
  coldStart,
  fileMap,
  editMiddle,
  fork,
  deltaHistory,
  largeState,
  eventLoop,
  store,
  lifecycle,
  encryption,
];

/** @throws Error if there is none of that name */
export function findBenchmark(name: string): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found !== undefined) return found;
  const known = benchmarks.map((benchmark) => benchmark.name).join(", ");
  throw new Error(`There is no benchmark "${name}". There are: ${known}, all.`);
}
