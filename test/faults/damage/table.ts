import type { Result } from "./damage-threads.ts";
import { isFailure, type Verdict } from "./examine.ts";

const ALLOWED: readonly Verdict[] = [
  "noticed on read",
  "noticed by verifyThread",
  "harmless",
  "gone as a whole",
];

/** The counts of each class, for each kind of document and how it was written, in Markdown. */
export function toTable(results: readonly Result[]): string {
  const rows = [...Map.groupBy(results, ({ variant, mutation }) => `${variant}|${mutation.kind}`)];
  const lines = rows.map(([name, own]) => {
    const [variant, kind] = name.split("|");
    return formatRow([kind!, variant!, own.length, ...countVerdicts(own)]);
  });
  return [
    formatRow(["document", "written", "mutations", ...ALLOWED, "anything else"]),
    "| --- | --- | --: | --: | --: | --: | --: | --: |",
    ...lines,
    formatRow(
      ["all", "", results.length, ...countVerdicts(results)].map((cell) =>
        cell === "" ? "" : `**${cell}**`,
      ),
    ),
  ].join("\n");
}

function countVerdicts(results: readonly Result[]): readonly number[] {
  const count = (isOne: (verdict: Verdict) => boolean): number =>
    results.filter(({ finding }) => isOne(finding.verdict)).length;
  return [...ALLOWED.map((verdict) => count((own) => own === verdict)), count(isFailure)];
}

function formatRow(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** One line for each result that must not be. */
export function listFailures(results: readonly Result[]): readonly string[] {
  return results
    .filter(({ finding }) => isFailure(finding.verdict))
    .map(
      ({ variant, mutation: { kind, field, what }, finding: { verdict, why } }) =>
        `${verdict}: ${kind}, ${field}, ${what} (${variant}): ${why}`,
    );
}
