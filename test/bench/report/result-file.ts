import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname } from "node:path";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";

/** What a run writes with `--json`. */
export interface ResultFile {
  /** When it was finished, ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly runs: readonly BenchmarkRun[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
}

/** Writes runs and the machine they ran on. */
export function writeResults(path: string, runs: readonly BenchmarkRun[]): void {
  const machine: Machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  };
  const results: ResultFile = { date: new Date().toISOString(), machine, runs };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
}

/** Reads what {@link writeResults} wrote. */
export function readResults(path: string): ResultFile {
  return JSON.parse(readFileSync(path, "utf8")) as ResultFile;
}
