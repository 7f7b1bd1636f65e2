import { writeFileSync } from "node:fs";
import { createProgressLine } from "../harness/progress-line.ts";
import { runBenchmark, type BenchmarkRun } from "../harness/run-benchmark.ts";
import { plotGrowth } from "../report/plot-growth.ts";
import { printRun } from "../report/print-run.ts";
import { writeResults } from "../report/result-file.ts";
import type { RunRequest } from "./parse-run.ts";

/** Runs benchmarks, prints their tables and returns the exit code. */
export async function runBenchmarks(request: RunRequest): Promise<number> {
  const progressLine = createProgressLine();
  const runs: BenchmarkRun[] = [];
  for (const benchmark of request.benchmarks) {
    const run = await runBenchmark(benchmark, { ...request, progressLine });
    runs.push(run);
    printRun(run);
    // After each, so that a long run that breaks off is not lost.
    if (request.json !== undefined) writeResults(request.json, runs);
  }
  if (request.svg !== undefined) {
    writeFileSync(request.svg, await plotGrowth(runs.flatMap((run) => run.rows)));
  }
  const isMissed = runs
    .flatMap((run) => run.judgements)
    .some(({ verdict }) => verdict === "not reached");
  return request.check && isMissed ? 1 : 0;
}
