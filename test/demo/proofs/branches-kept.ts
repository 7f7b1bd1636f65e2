import { storedTasks } from "../killing/stored-tasks.ts";
import { describeCall } from "../recording/model-call.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/**
 * From the database and the request log: a kill hit a superstep in which some parallel tasks had
 * finished and others had not. What the finished ones wrote was stored, the next process found their
 * ids, and none of their model calls came again.
 */
export function proveBranchesKept({ calls, run, history }: RunEvidence): Proof {
  const violations: string[] = [];
  const halfDone = run.kills.filter(
    ({ inFlight, storedTasks: stored }) => stored.length > 0 && inFlight.length > 0,
  );
  if (halfDone.length === 0) violations.push("No kill found a stored task beside one in flight.");

  let kept = 0;
  let cut = 0;
  for (const kill of halfDone) {
    kept += kill.storedTasks.length;
    cut += kill.inFlight.length;
    const found = new Set(run.lives[kill.number]?.from?.storedTasks);
    const tuple = history.find(({ checkpoint }) => checkpoint.id === kill.checkpoint?.checkpointId);
    const stored = new Set(tuple && storedTasks(tuple));
    for (const id of kill.storedTasks) {
      if (!found.has(id))
        violations.push(`The process after kill ${kill.number} did not find task ${id}.`);
      if (!stored.has(id))
        violations.push(`What task ${id} wrote before kill ${kill.number} is gone.`);
    }
    if (tuple && stored.size !== kill.storedTasks.length + kill.inFlight.length)
      violations.push(
        `Of ${kill.storedTasks.length + kill.inFlight.length} parallel tasks at kill ${kill.number}, ` +
          `${stored.size} have stored results.`,
      );
    const answered = calls.filter(
      ({ id, outcome }) => id <= kill.callsSoFar && outcome === "completed",
    );
    for (const call of answered)
      if (calls.some(({ id, digest }) => id > kill.callsSoFar && digest === call.digest))
        violations.push(
          `The ${describeCall(call)} had finished before kill ${kill.number} and was asked again.`,
        );
  }
  return {
    claim: "Finished branches of a half-done superstep were kept",
    figures: `${count(kept, "branch", "branches")} kept, ${cut} cut and run again`,
    violations,
  };
}
