import CliTable from "cli-table3";
import { styleText } from "node:util";
import { VIOLATION_KINDS, type Violation } from "../checker/violation.ts";
import type { PartResult } from "../parts/part.ts";

/** How many violations of a part are printed one by one. */
const SHOWN = 5;

/** What came of a run, for people. */
export function formatSummary(results: readonly PartResult[]): string {
  const table = new CliTable({
    head: ["", ...results.map(({ part }) => part)],
    colAligns: ["left", ...results.map(() => "right" as const)],
    // Its own colours come even where there is no terminal.
    style: { head: [], border: [], compact: true },
  });
  const row = (title: string, cell: (result: PartResult) => string | number): void => {
    table.push([title, ...results.map((result) => String(cell(result)))]);
  };
  row("seconds", ({ seconds }) => seconds.toFixed(0));
  row("faults", ({ faults }) => listCounts(faults));
  row("calls", ({ calls }) => calls);
  row("checkpoints acknowledged", ({ acknowledgedCheckpoints }) => acknowledgedCheckpoints);
  row("write sets acknowledged", ({ acknowledgedWrites }) => acknowledgedWrites);
  row("reads", ({ reads }) => reads);
  row("longest call", ({ longestCallMs }) => `${(longestCallMs / 1_000).toFixed(1)} s`);
  row("errors that callers got", ({ errors }) => listCounts(errors));
  for (const kind of VIOLATION_KINDS) row(kind, ({ byKind }) => byKind[kind] ?? 0);
  return [table.toString(), ...results.flatMap(formatViolations)].join("\n");
}

function listCounts(counts: Readonly<Record<string, number>>): string {
  const lines = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return lines.length === 0 ? "0" : lines.join("\n");
}

function formatViolations({ part, seed, violations, directory }: PartResult): string[] {
  if (violations.length === 0) return [];
  const title = `${part}, seed ${seed}: ${violations.length} violations; the history is in ${directory}`;
  const left = violations.length - SHOWN;
  return [
    styleText("red", title),
    ...violations.slice(0, SHOWN).map(formatViolation),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}

function formatViolation({ kind, what, shownBy }: Violation): string {
  const by = shownBy && `, ${shownBy.process} at ${shownBy.invokedAtMs.toFixed(3)} ms`;
  return `  ${kind}: ${what}${by ?? ""}`;
}
