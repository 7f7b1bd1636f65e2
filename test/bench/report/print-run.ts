import CliTable from "cli-table3";
import { styleText } from "node:util";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import { titleOf } from "../harness/mode.ts";
import type { Judgement } from "../harness/target.ts";
import { listErrors, tabulateFigures, tabulateTargets, type Table } from "./tables.ts";

/** Prints a run's figures and targets for people. */
export function printRun(run: BenchmarkRun): void {
  const title = `${titleOf(run.name, run.mode)}: ${run.turns} ${run.turnsAre}`;
  console.log(`\n${styleText("bold", title)}\n${run.description}.`);
  for (const server of run.servers) console.log(server);
  for (const table of tabulateFigures(run)) console.log(draw(table));
  for (const error of listErrors(run)) console.log(error);
  console.log(draw(tabulateTargets(run), (cell) => colourVerdict(cell)));
}

const verdictColours: Record<Judgement["verdict"], Parameters<typeof styleText>[0]> = {
  reached: "green",
  "not reached": "red",
  "not judged": "yellow",
};

function colourVerdict(cell: string): string {
  return Object.hasOwn(verdictColours, cell)
    ? styleText(verdictColours[cell as Judgement["verdict"]], cell)
    : cell;
}

function draw({ head, rows }: Table, decorate: (cell: string) => string = (cell) => cell): string {
  const table = new CliTable({
    head: head.map((cell) => styleText("bold", cell)),
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    // Its own colours come even where there is no terminal.
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => row.map((cell) => decorate(cell))));
  return table.toString();
}
