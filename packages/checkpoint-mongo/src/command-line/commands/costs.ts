import { writeFile } from "node:fs/promises";
import { Option, type Command } from "commander";
import { parseMoment } from "../arguments/parse-moment.ts";
import { parseWholeNumber } from "../arguments/parse-number.ts";
import type { CommandDefinition, Invocation } from "../command.ts";
import { asUsageError } from "../command-line-error.ts";
import { drawBarChart } from "../costs/bar-chart.ts";
import { fillDays } from "../costs/fill-days.ts";
import {
  type CostFilter,
  type CostSum,
  type CostTotals,
  type Dimension,
  DIMENSIONS,
  openLedger,
} from "../costs/load-ledger.ts";
import { formatNumber } from "../terminal/format-count.ts";
import { printTable, type Cell, type Column } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface CostsOptions {
  readonly by: Dimension;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly thread?: string | undefined;
  readonly run?: string | undefined;
  readonly user?: string | undefined;
  readonly model?: string | undefined;
  readonly limit?: number | undefined;
  readonly costsCollection?: string | undefined;
  readonly svg?: string | undefined;
}

/** `threadkeep costs`. */
export const costsCommand: CommandDefinition<CostsOptions> = {
  name: "costs",
  group: "Look:",
  summary: "what model calls have cost, from the ledger",
  description:
    "What model calls have used and cost, from the ledger of @threadkeep/resilient-llm: by day, thread, run, user " +
    "or model. Run it in the folder of a project that has that package.",
  examples: [
    ["costs", "by day"],
    ["costs --by thread --from 7d", "the dearest threads of the last seven days"],
    ["costs --by model --user ada", "which models a user has paid for"],
    ["costs --from 2026-11-01 --to 2026-12-01 --svg costs.svg", "a chart of a month"],
    ["costs --by user --json | jq '.sums[].costUsd'", "for a program"],
  ],
  configure,
  run,
};

function configure(command: Command): void {
  command
    .addOption(
      new Option("-b, --by <what>", "what has a line of its own")
        .choices(DIMENSIONS)
        .default("day"),
    )
    .option("--from <time>", "only what was booked since: a date, or 2h, 7d for so long ago")
    .option("--to <time>", "only what was booked before")
    .option("--thread <thread>", "only of this thread")
    .option("--run <run>", "only of this run")
    .option("--user <user>", "only of this user")
    .option("--model <model>", "only of this model")
    .option(
      "-n, --limit <number>",
      "at most so many lines: the dearest, or the latest days (default: 1000)",
      (text) => parseWholeNumber("--limit", text, { min: 1 }),
    )
    .option("--costs-collection <name>", "where the ledger is (default: threadkeep_costs)")
    .option("--svg <file>", "write a chart of it into this file");
}

async function run({
  options,
  terminal,
  connect,
  present,
}: Invocation<CostsOptions>): Promise<void> {
  const { by, costsCollection, limit, svg } = options;
  const filter = readFilter(options);
  const { client, settings } = await connect();
  const ledger = await openLedger({
    client,
    dbName: settings.databaseName,
    ...(costsCollection !== undefined && { collectionName: costsCollection }),
  });
  const sums = await ledger.sum(by, { ...filter, limit });
  const total = await ledger.total(filter);
  if (svg !== undefined) await writeChart(svg, by, sums);
  await present({ by, ...filter, sums, total }, async () => {
    await show(terminal, by, sums, total);
    if (svg !== undefined) terminal.note(`The chart is in ${svg}.`);
  });
}

function readFilter({ from, model, run: runId, thread, to, user }: CostsOptions): CostFilter {
  const nowMs = Date.now();
  const range = {
    ...(from !== undefined && { from: parseMoment("--from", from, nowMs) }),
    ...(to !== undefined && { to: parseMoment("--to", to, nowMs) }),
  };
  if (range.from && range.to && range.from >= range.to) {
    throw asUsageError("--to: expected a time after that of --from.");
  }
  return {
    ...range,
    ...(thread !== undefined && { threadId: thread }),
    ...(runId !== undefined && { runId }),
    ...(user !== undefined && { userId: user }),
    ...(model !== undefined && { model }),
  };
}

/** What belongs to no thread, run or user. */
const NONE = "(none)";

async function writeChart(file: string, by: Dimension, sums: readonly CostSum[]): Promise<void> {
  const bars = sums.map(({ costUsd, key = NONE }) => ({ label: key, value: costUsd }));
  const chart = drawBarChart(
    `Costs by ${by}, USD`,
    by === "day" ? fillDays(bars) : bars,
    formatTick,
  );
  try {
    await writeFile(file, chart);
  } catch (error) {
    throw asUsageError(`--svg: ${file} cannot be written: ${(error as Error).message}.`);
  }
}

function formatTick(usd: number): string {
  return usd.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

async function show(
  terminal: Terminal,
  by: Dimension,
  sums: readonly CostSum[],
  total: CostTotals,
): Promise<void> {
  if (sums.length === 0) {
    terminal.note("Nothing was booked.");
    return;
  }
  const title = `${by.charAt(0).toUpperCase()}${by.slice(1)}`;
  const rows = sums.map((sum) => toRow(sum.key, sum));
  // For programs, each line is one of the same kind.
  const all = terminal.isTerminal ? [...rows, toRow("total", total)] : rows;
  await printTable(terminal, [{ title, isWide: true }, ...COLUMNS], all);
  if (total.unpricedAttempts > 0) {
    terminal.warn(
      `The price of ${formatNumber(total.unpricedAttempts)} requests is not known. They are missing in the sums.`,
    );
  }
}

const COLUMNS: readonly Column[] = ["Calls", "Requests", "Input", "Cached", "Output", "USD"].map(
  (title) => ({ title, isNumber: true }),
);

function toRow(key: string | undefined, totals: CostTotals): readonly Cell[] {
  const { attempts, cachedInputTokens, calls, costUsd, inputTokens, outputTokens } = totals;
  const counts = [calls, attempts, inputTokens, cachedInputTokens, outputTokens];
  return [
    { plain: key, shown: key ?? NONE },
    ...counts.map((count) => ({ plain: count, shown: formatNumber(count) })),
    { plain: costUsd, shown: costUsd.toFixed(6) },
  ];
}
