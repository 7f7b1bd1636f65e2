import { formatCostTable } from "@threadkeep/resilient-llm";
import { count, type RunEvidence } from "../proofs/proof.ts";
import { sumCosts } from "../sum-costs.ts";
import { style } from "./style.ts";

/** What the model cost, as lines: a table of all processes together, and what is not in it. */
export function formatCosts({ calls, run }: RunEvidence): string[] {
  const table = formatCostTable(sumCosts(run.lives.flatMap(({ costs }) => costs ?? [])));
  const cut = calls.filter(({ outcome }) => outcome === "cut");
  const begun = cut.filter(({ status }) => status !== undefined).length;
  return [
    "",
    style("bold", "What the model cost, as each process reported it attempt by attempt"),
    "",
    ...table.split("\n").map((line) => `  ${line}`),
    ...(cut.length > 0
      ? [
          "",
          style(
            "dim",
            `  Not in it: ${count(cut.length, "call")} cut by kills, which no process lived to report. ` +
              `${cut.length - begun} never reached`,
          ),
          style(
            "dim",
            `  the model's server; for the ${begun} cut in mid-answer a provider charges what it had made.`,
          ),
        ]
      : []),
  ];
}
