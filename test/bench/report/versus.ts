import { measurements, type Measurement, type MeasurementName } from "../harness/measurements.ts";
import { findRow } from "../harness/row.ts";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import type { SaverName } from "../harness/savers.ts";
import { formatFigure } from "./format-figure.ts";
import type { Table } from "./tables.ts";

interface Line {
  readonly label: string;
  readonly benchmark: string;
  readonly variant?: string;
  readonly rttMs?: number;
  readonly figure: MeasurementName;
}

const AT_ONCE = { benchmark: "short-threads", variant: "64 threads at once" } as const;
const ALONE = { benchmark: "short-threads", variant: "one thread alone" } as const;
const LONG = { benchmark: "long-thread" } as const;

/** Short threads first: most are. */
const lines: readonly Line[] = [
  { ...AT_ONCE, label: "64 short threads at once: turns a second", figure: "turnsPerSecond" },
  { ...AT_ONCE, label: "their commands a turn", figure: "commandsPerTurn" },
  { ...AT_ONCE, label: "their client CPU a turn", figure: "cpuMsPerTurn" },
  { ...ALONE, label: "one short thread alone: commands a turn", figure: "commandsPerTurn" },
  {
    benchmark: "latency",
    rttMs: 2,
    label: "the same with the server 2 ms away, each step awaited: a turn",
    figure: "turnMsP50",
  },
  { ...LONG, label: "one thread of 500 turns: stored", figure: "bytesStored" },
  { ...LONG, label: "its last turns", figure: "turnMsP50Last10" },
  { ...LONG, label: "their client CPU", figure: "cpuMsPerTurnLast50" },
  { ...LONG, label: "`getTuple` at its end", figure: "getTupleMsP50" },
  { ...LONG, label: "`list` of 50", figure: "list50Ms" },
  { ...LONG, label: "commands of that list", figure: "list50Commands" },
];

interface Column {
  readonly label: string;
  readonly saver: SaverName;
  readonly clientBulkWrite: boolean;
}

const columns: readonly Column[] = [
  { label: "Threadkeep", saver: "threadkeep", clientBulkWrite: true },
  { label: "official saver", saver: "official", clientBulkWrite: true },
  { label: "Threadkeep, before MongoDB 8", saver: "threadkeep", clientBulkWrite: false },
  { label: "official, before MongoDB 8", saver: "official", clientBulkWrite: false },
  { label: "`MemorySaver`", saver: "memory", clientBulkWrite: true },
];

/** Short and long threads side by side, with and without the client's bulkWrite: the READMEs' table. */
export function tabulateVersus(runs: readonly BenchmarkRun[]): Table {
  const shown = lines.filter((line) => columns.some((column) => find(runs, line, column)));
  return {
    head: ["", ...columns.map(({ label }) => label)],
    rows: shown.map((line) =>
      [line.label].concat(columns.map((column) => format(find(runs, line, column), line.figure))),
    ),
  };
}

function format(value: number | undefined, figure: MeasurementName): string {
  const { unit }: Measurement = measurements[figure];
  return value === undefined ? "–" : formatFigure(value, unit);
}

function find(runs: readonly BenchmarkRun[], line: Line, column: Column): number | undefined {
  const { benchmark, rttMs = 0, variant, figure } = line;
  const run = runs.find(
    ({ name, mode }) =>
      name === benchmark &&
      (mode?.rttMs ?? 0) === rttMs &&
      (mode?.clientBulkWrite ?? true) === column.clientBulkWrite,
  );
  return run && findRow(run.rows, column.saver, variant)?.[figure];
}
