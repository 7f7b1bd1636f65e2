import { describeCall } from "../recording/model-call.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/**
 * From the request log: the calls that a kill cut were asked again in the same words, and no others
 * were. A call that a model refused has a proof of its own.
 */
export function proveOnlyCutCallsAskedAgain({ calls, run }: RunEvidence): Proof {
  const cutByKills = run.kills.flatMap(({ inFlight }) => inFlight.map(({ id }) => id));
  const repeats = calls.filter(
    ({ id, digest }) =>
      calls.findLast((other) => other.digest === digest && other.id < id)?.outcome === "cut",
  );
  const violations: string[] = [];

  for (const call of calls) {
    const next = calls.find(({ id, digest }) => id > call.id && digest === call.digest);
    const name = `Request ${call.id} (${describeCall(call)})`;
    if (call.outcome === "cut" && !cutByKills.includes(call.id))
      violations.push(`${name} was cut, but by no kill.`);
    if (call.outcome === "cut" && !next)
      violations.push(`${name} was cut and never asked again in the same words.`);
    if (call.outcome === "completed" && next)
      violations.push(`${name} was answered, and asked again as ${next.id}.`);
    if (call.outcome === "in flight") violations.push(`${name} has not ended.`);
  }
  for (const id of cutByKills)
    if (calls[id - 1]?.outcome !== "cut")
      violations.push(`Request ${id} was in flight at a kill, but was not cut.`);

  return {
    claim: "Only the calls cut by a kill were asked again",
    figures: `${count(calls.length, "request")}, ${cutByKills.length} cut, ${repeats.length} asked again`,
    violations,
  };
}
