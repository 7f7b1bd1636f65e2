import { PLAIN_MODE, titleOf } from "../harness/mode.ts";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import { formatFigure } from "./format-figure.ts";
import type { ResultFile } from "./result-file.ts";
import { listErrors, tabulateFigures, tabulateTargets, type Table } from "./tables.ts";
import { tabulateVersus } from "./versus.ts";
import type { Place } from "./write-into-markdown.ts";

/** Where {@link toMarkdown} goes. */
export const resultsPlace: Place = {
  begin: "<!-- results: written by `pnpm bench report` -->",
  end: "<!-- end of results -->",
};

/** Where {@link versusToMarkdown} goes. */
export const versusPlace: Place = { begin: "<!-- versus:begin -->", end: "<!-- versus:end -->" };

const TARGET_COLUMNS = ["target", "measured", "limit", "verdict"];
const TEXT_COLUMNS = new Set(["target", "verdict"]);

/** Results as Markdown: all targets, then for each run its targets, its figures and where it ran. */
export function toMarkdown(files: readonly ResultFile[]): string {
  const runs = files.flatMap((file) => file.runs.map((run) => ({ file, run })));
  const sections = runs.map(({ file, run }) => formatRun(run, file));
  return [formatTargets(runs.map(({ run }) => run)), ...sections].join("\n\n");
}

/** The table that sets the savers side by side. */
export function versusToMarkdown(files: readonly ResultFile[]): string {
  return formatTable(tabulateVersus(files.flatMap(({ runs }) => runs)));
}

function formatTargets(runs: readonly BenchmarkRun[]): string {
  const rows = runs.flatMap((run) =>
    tabulateTargets(run).rows.map((row) => [titleOf(run.name, run.mode)].concat(row)),
  );
  return formatTable({ head: ["benchmark", ...TARGET_COLUMNS], rows });
}

function formatRun(run: BenchmarkRun, { date, machine }: ResultFile): string {
  const memory = formatFigure(machine.memoryBytes, "bytes");
  return [
    `### ${titleOf(run.name, run.mode)}`,
    `${run.description}. ${run.turns} ${run.turnsAre}.`,
    formatTable({ head: TARGET_COLUMNS, rows: tabulateTargets(run).rows }),
    ...tabulateFigures(run).map((table) => formatTable(table)),
    ...listErrors(run),
    `\`${formatCommand(run)}\` on ${date.slice(0, 10)}; ${machine.cores} cores ` +
      `(${machine.cpu}), ${memory}, Node.js ${machine.node}; ${run.servers.join("; ")}.`,
  ].join("\n\n");
}

function formatCommand({
  name,
  turns,
  mode: { clientBulkWrite, rttMs } = PLAIN_MODE,
}: BenchmarkRun): string {
  return [
    `pnpm bench ${name} --turns ${turns}`,
    ...(clientBulkWrite ? [] : ["--no-client-bulk-write"]),
    ...(rttMs === 0 ? [] : [`--rtt ${rttMs}`]),
  ].join(" ");
}

function formatTable({ head, rows }: Table): string {
  const align = head.map((name) => (TEXT_COLUMNS.has(name) ? "---" : "--:"));
  // The first column names what the others are about.
  const alignment = ["---", ...align.slice(1)];
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
