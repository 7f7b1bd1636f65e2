import { count, type Proof, type RunEvidence } from "./proof.ts";

/**
 * From the database and the processes: each process continued from the checkpoint that was the newest
 * at the kill.
 */
export function proveResumedFromNewest({ run }: RunEvidence): Proof {
  const violations: string[] = [];
  const steps: (number | undefined)[] = [];
  const [first, ...resumed] = run.lives;
  if (first?.from)
    violations.push(`The first process found checkpoint ${first.from.checkpointId} already there.`);
  for (const [index, { pid, from }] of resumed.entries()) {
    const expected = run.kills[index]?.checkpoint;
    steps.push(from?.step);
    if (expected === undefined || from?.checkpointId !== expected.checkpointId)
      violations.push(
        `Process ${pid} continued from ${from ? `checkpoint ${from.checkpointId} (step ${from.step})` : "nothing"}; ` +
          `the newest was ${expected ? `${expected.checkpointId} (step ${expected.step})` : "not there"}.`,
      );
  }
  return {
    claim: "Each new process continued from the newest checkpoint",
    figures: `${count(resumed.length, "resume")}, from ${steps.length === 1 ? "step" : "steps"} ${steps.join(", ")}`,
    violations,
  };
}
