import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import type { MeasurementName, Unit } from "../harness/measurements.ts";
import { figure, type Target } from "../harness/target.ts";
import { copyLongThread } from "../workloads/lifecycle/copy-long-thread.ts";
import { exportAndImport } from "../workloads/lifecycle/export-and-import.ts";
import { keepLastOfTurns } from "../workloads/lifecycle/keep-last-of-turns.ts";
import { pruneBesideWriter } from "../workloads/lifecycle/prune-beside-writer.ts";
import { searchManyThreads } from "../workloads/lifecycle/search-many-threads.ts";

const parts = {
  prune: pruneBesideWriter,
  keepLast: keepLastOfTurns,
  search: searchManyThreads,
  copy: copyLongThread,
  export: (bench) => exportAndImport(bench, "none"),
  exportZstd: (bench) => exportAndImport(bench, "zstd"),
} as const satisfies Record<string, (bench: Bench) => Promise<Outcome>>;

type Part = keyof typeof parts;

/** What becomes of threads beside being run: they are pruned, found, copied and moved. */
export const lifecycle: Benchmark = {
  name: "lifecycle",
  description:
    "A thread of 10,000 checkpoints is pruned to 10 while a writer goes on; 2,000 turns with keepLast: 5, each beside one without; searches over 100,000 threads; a copy of a thread of 500 turns; the same exported into memory and imported under other ids, plain and with zstd, medians of 5: MB are those of the lines, before compression, and an import verifies all of it before it can be seen",
  turns: 100,
  turnsAre: "per cent of these sizes",
  savers: ["threadkeep"],
  variants: Object.keys(parts),
  targets: [
    atMost(
      "prune",
      "the writer's slowest put at most 3 × the slowest of as many alone",
      "milliseconds",
      {
        measured: "putMsMaxBeside",
        limit: "putMsMaxAlone",
        times: 3,
      },
    ),
    atMost("prune", "no lost step", "count", { measured: "stepsLost", limit: 0 }),
    atMost("keepLast", "a turn at most 1.1 × one without, mean", "milliseconds", {
      measured: "turnMsMean",
      limit: "turnMsMeanWithout",
      times: 1.1,
    }),
    atMost(
      "keepLast",
      "checkpoints and writes at the end at most 1.2 × those after a tenth",
      "bytes",
      {
        measured: "historyBytesEnd",
        limit: "historyBytesTenth",
        times: 1.2,
      },
    ),
    atMost("search", "by status at most 20 ms", "milliseconds", {
      measured: "searchStatusMs",
      limit: 20,
    }),
    atMost("search", "by metadata at most 20 ms", "milliseconds", {
      measured: "searchMetadataMs",
      limit: 20,
    }),
    atMost("search", "no search goes through more than 1,000 documents, by explain", "count", {
      measured: "searchExaminedMax",
      limit: 1_000,
    }),
    atMost("copy", "stores at most 1.1 × the bytes of the source", "bytes", {
      measured: "copyBytes",
      limit: "sourceBytes",
      times: 1.1,
    }),
  ],
  run: (bench) => parts[bench.variant as Part](bench),
};

interface Limit {
  readonly measured: MeasurementName;
  /** A figure, or a number. */
  readonly limit: MeasurementName | number;
  readonly times?: number;
}

function atMost(
  variant: Part,
  goal: string,
  unit: Unit,
  { measured, limit, times }: Limit,
): Target {
  return {
    goal: `${variant}: ${goal}`,
    unit,
    direction: "at most",
    statedForTurns: 100,
    compare: (rows) => ({
      measured: figure(rows, "threadkeep", measured, { variant }),
      limit:
        typeof limit === "number"
          ? limit
          : figure(rows, "threadkeep", limit, { variant, ...(times !== undefined && { times }) }),
    }),
  };
}
