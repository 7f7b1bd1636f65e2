import type { CostTotals } from "./cost-account.ts";
import type { CostSnapshot } from "./cost-tracker.ts";

const COLUMNS = ["model", "calls", "attempts", "input", "cached", "output", "USD"] as const;

function describe(name: string, totals: CostTotals): string[] {
  const unknown = totals.unpricedAttempts > 0 ? ` + ${totals.unpricedAttempts} unpriced` : "";
  const counts = [
    totals.calls,
    totals.attempts,
    totals.inputTokens,
    totals.cachedInputTokens,
    totals.outputTokens,
  ];
  return [
    name,
    ...counts.map((count) => count.toLocaleString("en-US")),
    `${totals.costUsd.toFixed(6)}${unknown}`,
  ];
}

/** A snapshot of costs as a table for the terminal, a line per model and one for the sum. */
export function formatCostTable(snapshot: CostSnapshot): string {
  const rows = [
    [...COLUMNS],
    ...Object.entries(snapshot.byModel).map(([name, totals]) => describe(name, totals)),
    describe("total", snapshot),
  ];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
  const rule = "-".repeat(lines[0]?.length ?? 0);
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join("\n");
}
