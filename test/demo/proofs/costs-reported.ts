import { sumCosts } from "../sum-costs.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/**
 * From the request log and the processes: for each answer and each failed attempt in the log there is
 * one report of a process. So the sum of the reports is the cost of all answers, also of those that a
 * process got before it was killed.
 */
export function proveCostsReported({ calls, run }: RunEvidence): Proof {
  const reports = run.lives.flatMap(({ modelReports }) => modelReports);
  const violations: string[] = [];
  for (const model of new Set(calls.map((call) => call.model)))
    for (const [outcome, type] of [
      ["completed", "answered"],
      ["failed", "failed"],
    ] as const) {
      const logged = calls.filter((call) => call.model === model && call.outcome === outcome);
      const reported = reports.filter((report) => report.type === type && report.model === model);
      if (logged.length !== reported.length)
        violations.push(
          `${model}: ${logged.length} requests ${outcome}, and ${reported.length} were reported.`,
        );
    }
  const { attempts, inputTokens, outputTokens } = sumCosts(
    run.lives.flatMap(({ costs }) => costs ?? []),
  );
  const ended = calls.filter(({ outcome }) => outcome === "completed" || outcome === "failed");
  if (attempts !== ended.length)
    violations.push(`The bill has ${attempts} attempts, the log ${ended.length} that ended.`);
  const answers = reports.filter(({ type }) => type === "answered").length;
  return {
    claim: "Every answer is on the bill once",
    figures: `${count(answers, "answer")} in ${count(attempts, "attempt")}, ${inputTokens + outputTokens} tokens`,
    violations,
  };
}
