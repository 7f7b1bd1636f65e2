import type { Benchmark, Case } from "./benchmark.ts";
import { formatCount } from "../report/format-figure.ts";
import { titleOf, type Mode } from "./mode.ts";
import type { ProgressLine } from "./progress-line.ts";
import { judge, type Judgement } from "./target.ts";
import type { Row } from "./row.ts";
import { runCase } from "./run-case.ts";
import { saverLabels, type SaverName } from "./savers.ts";

export interface RunOptions {
  readonly turns: number | undefined;
  /** Only these savers. Default: all that the benchmark compares. */
  readonly savers: readonly SaverName[] | undefined;
  readonly clientBulkWrite: boolean;
  /** Milliseconds added to a round trip. Default: what the benchmark says. */
  readonly rttMs: number | undefined;
  readonly profileDirectory: string | undefined;
  readonly progressLine: ProgressLine;
}

/** A benchmark's rows and how they stand to its targets. */
export interface BenchmarkRun {
  readonly name: string;
  readonly description: string;
  readonly turns: number;
  readonly turnsAre: string;
  /** How the server was reached. Missing in results from before there were modes. */
  readonly mode?: Mode;
  /** The servers used, each named once. */
  readonly servers: readonly string[];
  readonly rows: readonly Row[];
  readonly judgements: readonly Judgement[];
}

/** Runs all cases of a benchmark, one after another. */
export async function runBenchmark(
  benchmark: Benchmark,
  {
    turns = benchmark.turns,
    savers,
    clientBulkWrite,
    profileDirectory,
    progressLine,
    ...options
  }: RunOptions,
): Promise<BenchmarkRun> {
  const { name, description, turnsAre, variants = [undefined], saversOf } = benchmark;
  const mode: Mode = { clientBulkWrite, rttMs: options.rttMs ?? benchmark.rttMs ?? 0 };
  const rows: Row[] = [];
  const servers = new Set<string>();
  for (const variant of variants) {
    for (const saver of saversOf?.(variant) ?? benchmark.savers) {
      if (savers !== undefined && !savers.includes(saver)) continue;
      const order: Case = {
        benchmark: name,
        saver,
        turns,
        ...(variant !== undefined && { variant }),
      };
      const label = [titleOf(name, mode), variant, saverLabels[saver]].filter(Boolean).join(", ");
      const start = performance.now();
      progressLine.begin(`${label}: starting`);
      const { row, server } = await runCase(order, mode, {
        progress: (done, total, doing) => {
          progressLine.update(
            `${label}: ${doing ?? `${formatCount(done)} of ${formatCount(total)}`}`,
          );
        },
        profileDirectory,
        nodeOptions: benchmark.nodeOptions?.(variant),
      });
      const seconds = Math.round((performance.now() - start) / 100) / 10;
      if (row.error === undefined) progressLine.succeed(`${label}: ${seconds} s`);
      else progressLine.fail(`${label}: ${row.error}`);
      rows.push({ ...row, seconds });
      // The port says nothing about the server.
      if (server !== undefined) servers.add(server.replace(/ on 127\.0\.0\.1:\d+/, ""));
    }
  }
  return {
    name,
    description,
    turns,
    turnsAre,
    mode,
    servers: [...servers],
    rows,
    judgements: judge(benchmark.targets, rows),
  };
}
