import type { Benchmark, Case } from "./benchmark.ts";
import { formatCount } from "../report/format-figure.ts";
import type { ProgressLine } from "./progress-line.ts";
import { judge, type Judgement } from "./target.ts";
import type { Row } from "./row.ts";
import { runCase } from "./run-case.ts";
import { saverLabels, type SaverName } from "./savers.ts";

export interface RunOptions {
  readonly turns: number | undefined;
  /** Only these savers. Default: all that the benchmark compares. */
  readonly savers: readonly SaverName[] | undefined;
  readonly profileDirectory: string | undefined;
  readonly progressLine: ProgressLine;
}

/** A benchmark's rows and how they stand to its targets. */
export interface BenchmarkRun {
  readonly name: string;
  readonly description: string;
  readonly turns: number;
  readonly turnsAre: string;
  /** The servers used, each named once. */
  readonly servers: readonly string[];
  readonly rows: readonly Row[];
  readonly judgements: readonly Judgement[];
}

/** Runs all cases of a benchmark, one after another. */
export async function runBenchmark(
  benchmark: Benchmark,
  { turns = benchmark.turns, savers, profileDirectory, progressLine }: RunOptions,
): Promise<BenchmarkRun> {
  const { name, description, turnsAre, variants = [undefined] } = benchmark;
  const rows: Row[] = [];
  const servers = new Set<string>();
  for (const variant of variants) {
    for (const saver of benchmark.savers) {
      if (savers !== undefined && !savers.includes(saver)) continue;
      const order: Case = {
        benchmark: name,
        saver,
        turns,
        ...(variant !== undefined && { variant }),
      };
      const label = [name, variant, saverLabels[saver]].filter(Boolean).join(", ");
      const start = performance.now();
      progressLine.begin(`${label}: starting`);
      const { row, server } = await runCase(order, {
        progress: (done, total, doing) => {
          progressLine.update(
            `${label}: ${doing ?? `${formatCount(done)} of ${formatCount(total)}`}`,
          );
        },
        profileDirectory,
        nodeOptions: benchmark.nodeOptions?.(variant),
      });
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      if (row.error === undefined) progressLine.succeed(`${label}: ${seconds} s`);
      else progressLine.fail(`${label}: ${row.error}`);
      rows.push(row);
      // The port says nothing about the server.
      if (server !== undefined) servers.add(server.replace(/ on 127\.0\.0\.1:\d+/, ""));
    }
  }
  return {
    name,
    description,
    turns,
    turnsAre,
    servers: [...servers],
    rows,
    judgements: judge(benchmark.targets, rows),
  };
}
