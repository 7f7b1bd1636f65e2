import { readFileSync, writeFileSync } from "node:fs";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import { formatFigure } from "./format-figure.ts";
import type { ResultFile } from "./result-file.ts";
import { listErrors, tabulateFigures, tabulateTargets, type Table } from "./tables.ts";

const BEGIN = "<!-- results: written by `pnpm bench report` -->";
const TARGET_COLUMNS = ["target", "measured", "limit", "verdict"];
const TEXT_COLUMNS = new Set(["target", "verdict"]);

const END = "<!-- end of results -->";

/** Results as Markdown: all targets, then for each run its targets, its figures and where it ran. */
export function toMarkdown(files: readonly ResultFile[]): string {
  const runs = files.flatMap((file) => file.runs.map((run) => ({ file, run })));
  const sections = runs.map(({ file, run }) => formatRun(run, file));
  return [formatTargets(runs.map(({ run }) => run)), ...sections].join("\n\n");
}

/**
 * Replaces the part of a Markdown file between the two marks for results.
 *
 * @throws Error if the marks are not there
 */
export function writeIntoMarkdown(path: string, markdown: string): void {
  const text = readFileSync(path, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) {
    throw new Error(`${path} has no place for results: it needs the lines ${BEGIN} and ${END}.`);
  }
  const before = text.slice(0, begin + BEGIN.length);
  writeFileSync(path, `${before}\n\n${markdown}\n\n${text.slice(end)}`);
}

function formatTargets(runs: readonly BenchmarkRun[]): string {
  const rows = runs.flatMap((run) =>
    tabulateTargets(run).rows.map((row) => [run.name].concat(row)),
  );
  return formatTable({ head: ["benchmark", ...TARGET_COLUMNS], rows });
}

function formatRun(run: BenchmarkRun, { date, machine }: ResultFile): string {
  const memory = formatFigure(machine.memoryBytes, "bytes");
  return [
    `### ${run.name}`,
    `${run.description}. ${run.turns} ${run.turnsAre}.`,
    formatTable({ head: TARGET_COLUMNS, rows: tabulateTargets(run).rows }),
    ...tabulateFigures(run).map((table) => formatTable(table)),
    ...listErrors(run),
    `\`pnpm bench ${run.name} --turns ${run.turns}\` on ${date.slice(0, 10)}; ${machine.cores} cores ` +
      `(${machine.cpu}), ${memory}, Node.js ${machine.node}; ${run.servers.join("; ")}.`,
  ].join("\n\n");
}

function formatTable({ head, rows }: Table): string {
  const align = head.map((name) => (TEXT_COLUMNS.has(name) ? "---" : "--:"));
  // The first column names what the others are about.
  const alignment = ["---", ...align.slice(1)];
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
