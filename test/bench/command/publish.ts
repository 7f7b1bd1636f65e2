import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchmarks, findBenchmark } from "../benchmarks/index.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import { createProgressLine } from "../harness/progress-line.ts";
import { runBenchmark } from "../harness/run-benchmark.ts";
import type { SaverName } from "../harness/savers.ts";
import { runProgram } from "./programs.ts";
import { resultsPlace, toMarkdown, versusPlace, versusToMarkdown } from "../report/markdown.ts";
import { plotGrowth } from "../report/plot-growth.ts";
import { plotShortAndLong } from "../report/plot-short-and-long.ts";
import { printRun } from "../report/print-run.ts";
import { readResults, writeResults } from "../report/result-file.ts";
import { writeIntoMarkdown } from "../report/write-into-markdown.ts";

/** A file of results in `docs/benchmarks`, and the run that it is of. */
interface Publication {
  readonly file: string;
  readonly benchmark: Benchmark;
  readonly clientBulkWrite: boolean;
  /** Milliseconds added to a round trip; what the benchmark says if undefined. */
  readonly rttMs: number | undefined;
  /** Only these savers; all that the benchmark compares if undefined. */
  readonly savers: readonly SaverName[] | undefined;
}

/**
 * Each as it is; and where users are on other servers, those that such a server decides. The official
 * saver never uses the client's bulkWrite: its long thread, which takes minutes, is not run twice.
 */
const publications: readonly Publication[] = [
  ...benchmarks.map((benchmark) => publish(benchmark.name)),
  publish("short-threads", { clientBulkWrite: false }),
  publish("latency", { clientBulkWrite: false }),
  publish("long-thread", { clientBulkWrite: false, savers: ["threadkeep", "memory", "none"] }),
  publish("short-threads", { rttMs: 2 }),
];

function publish(
  benchmarkName: string,
  {
    clientBulkWrite = true,
    rttMs,
    savers,
  }: Partial<Pick<Publication, "clientBulkWrite" | "rttMs" | "savers">> = {},
): Publication {
  const name = [
    benchmarkName,
    ...(clientBulkWrite ? [] : ["no-client-bulk-write"]),
    ...(rttMs === undefined ? [] : [`rtt-${rttMs}`]),
  ].join(".");
  return {
    file: inRepository(`docs/benchmarks/${name}.json`),
    benchmark: findBenchmark(benchmarkName),
    clientBulkWrite,
    rttMs,
    savers,
  };
}

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/**
 * Measures all that is published, or the benchmarks named, each at the size for which its targets are
 * stated; then writes tables and plots again from all files of results.
 *
 * @returns the exit code
 */
export async function publishResults(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { "tables-only": { type: "boolean", default: false } },
  });
  const wanted = new Set(positionals);
  const wantsSavings = positionals.length === 0 || wanted.delete("savings");
  const named = new Set(Array.from(wanted, (name) => findBenchmark(name)));
  const isWanted = ({ benchmark }: Publication): boolean =>
    positionals.length === 0 || named.has(benchmark);
  if (!values["tables-only"]) {
    await measure(publications.filter(isWanted));
    if (wantsSavings) await publishSavings();
  }
  await writeTables();
  return 0;
}

/** A program of its own: it writes its table by itself. */
async function publishSavings(): Promise<void> {
  const json = inRepository("docs/benchmarks/savings.json");
  const page = inRepository("docs/savings.md");
  const code = await runProgram("savings", ["--json", json, "--into", page]);
  if (code !== 0) throw new Error("savings did not reach its goal, or failed.");
}

async function measure(wanted: readonly Publication[]): Promise<void> {
  const progressLine = createProgressLine();
  const start = performance.now();
  for (const { file, benchmark, clientBulkWrite, rttMs, savers } of wanted) {
    const run = await runBenchmark(benchmark, {
      turns: undefined,
      savers,
      clientBulkWrite,
      rttMs,
      profileDirectory: undefined,
      progressLine,
    });
    printRun(run);
    writeResults(file, [run]);
  }
  const minutes = (performance.now() - start) / 60_000;
  console.log(`\nMeasured in ${minutes.toFixed(1)} minutes.`);
}

/** From all files that are there, so that a part can be measured again. */
async function writeTables(): Promise<void> {
  const files = publications.filter(({ file }) => existsSync(file));
  const results = files.map(({ file }) => readResults(file));
  writeIntoMarkdown(inRepository("docs/benchmarks.md"), resultsPlace, toMarkdown(results));
  writeIntoMarkdown(inRepository("README.md"), versusPlace, versusToMarkdown(results));
  const runs = results.flatMap((result) => result.runs);
  const growth = runs.find(({ name }) => name === "long-thread");
  if (growth) {
    writeFileSync(inRepository("docs/benchmarks/long-thread.svg"), await plotGrowth(growth.rows));
  }
  if (growth && runs.some(({ name }) => name === "short-threads")) {
    writeFileSync(inRepository("docs/benchmarks/short-and-long.svg"), await plotShortAndLong(runs));
  }
}
