import { style } from "./style.ts";

/**
 * The agent's final answer as lines.
 *
 * @param report - As the thread's last checkpoint has it; anything but text counts as missing.
 */
export function formatReport(report: unknown): string[] {
  const lines = typeof report === "string" ? report.split("\n") : ["(none)"];
  return [
    "",
    style("bold", "The report, read from the last checkpoint"),
    "",
    ...lines.map((line) => `  ${style("dim", "│")} ${line}`),
  ];
}
