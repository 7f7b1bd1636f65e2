import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname } from "node:path";
import CliTable from "cli-table3";

/** A table whose first column names its rows. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Draws a table for the terminal. */
export function drawTable({ head, rows }: Table): string {
  const colAligns = head.map((_, column) => (column === 0 ? "left" : "right"));
  const style = { head: [], border: [], compact: true };
  const table = new CliTable({ head: [...head], colAligns, style });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** When and where something was measured. */
export function describeRun(): string {
  const cpu = cpus()[0]?.model ?? "unknown processor";
  const date = new Date().toISOString().slice(0, 10);
  return `${date}; ${availableParallelism()} cores (${cpu}), Node.js ${process.version}`;
}

/** Writes results as JSON, with when and where they were measured. */
export function writeJson(path: string, results: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ measured: describeRun(), ...results }, null, 2)}\n`);
}

/**
 * Puts a table into a Markdown file, between `<!-- MARK:begin -->` and `<!-- MARK:end -->`.
 *
 * @param note A line below the table.
 * @throws Error if the marks are not there
 */
export function writeIntoMarkdown(
  path: string,
  mark: string,
  { head, rows }: Table,
  note: string,
): void {
  const begin = `<!-- ${mark}:begin -->`;
  const end = `<!-- ${mark}:end -->`;
  const text = readFileSync(path, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) {
    throw new Error(`${path} has no place for this table: it needs the lines ${begin} and ${end}.`);
  }
  const alignment = head.map((_, column) => (column === 0 ? "---" : "--:"));
  const lines = [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const table = [begin, "", ...lines, "", note, "", ""].join("\n");
  writeFileSync(path, text.slice(0, from) + table + text.slice(to));
}
