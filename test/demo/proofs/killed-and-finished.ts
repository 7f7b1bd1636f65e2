import { finalState } from "./final-state.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/** The run really was killed as often as planned, and got to its end all the same. */
export function proveKilledAndFinished({ run, history }: RunEvidence): Proof {
  const violations: string[] = [];
  const killed = run.kills.filter(({ signal }) => signal === "SIGKILL").length;
  if (killed !== run.plannedKills)
    violations.push(
      `${killed} of ${run.plannedKills} planned kills struck; the run never came to the others.`,
    );

  const { report, publication } = finalState(history);
  if (typeof report !== "string" || report.length === 0)
    violations.push("The last checkpoint holds no report.");
  if (publication === undefined) violations.push("The report was not published.");
  return {
    claim: "Killed by SIGKILL as planned, and finished",
    figures: `${count(killed, "kill")}, ${count(run.lives.length, "process", "processes")}`,
    violations,
  };
}
