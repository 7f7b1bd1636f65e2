import { VIOLATION_KINDS } from "../checker/violation.ts";
import type { PartResult } from "../parts/part.ts";

/** Where a Markdown file has the last run. */
export const faultsPlace = { begin: "<!-- faults -->", end: "<!-- /faults -->" } as const;

/** What came of a run, as a table for the documentation. */
export function formatMarkdown(server: string, results: readonly PartResult[]): string {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  const rows: readonly (readonly [string, (result: PartResult) => string | number])[] = [
    ["seed", ({ seed }) => seed],
    ["minutes", ({ seconds }) => (seconds / 60).toFixed(1)],
    ["faults", ({ faults }) => sum(faults)],
    ["calls", ({ calls }) => calls],
    ["checkpoints acknowledged", ({ acknowledgedCheckpoints }) => acknowledgedCheckpoints],
    ["write sets acknowledged", ({ acknowledgedWrites }) => acknowledgedWrites],
    ["reads", ({ reads }) => reads],
    ["longest call", ({ longestCallMs }) => `${(longestCallMs / 1_000).toFixed(1)} s`],
    ["errors that callers got", ({ errors }) => sum(errors)],
    ...VIOLATION_KINDS.map(
      (kind) => [kind, ({ byKind }: PartResult) => byKind[kind] ?? 0] as const,
    ),
  ];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [
    `${server.replace(/ on [\d.:]+/, "")}.`,
    "",
    line(["", ...results.map(({ part }) => `\`${part}\``)]),
    line(["---", ...results.map(() => "---:")]),
    ...rows.map(([title, cell]) => line([title, ...results.map((result) => cell(result))])),
  ].join("\n");
}
