import type { RunRecord } from "../killing/run-record.ts";
import { describeCall, type ModelCall } from "../recording/model-call.ts";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/**
 * From the request log: each request that a model refused was made once more and got one answer. It
 * went to another model, or to the same one after the pause that it had asked for. Nothing failed but
 * what the scripted model refused on purpose.
 */
export function proveRefusedMadeGood({ calls, run, refused }: RunEvidence): Proof {
  const failed = calls.filter(({ outcome }) => outcome === "failed");
  const violations: string[] = [];
  let elsewhere = 0;
  for (const call of failed) {
    const name = `Request ${call.id} (${describeCall(call)}), which ${call.model} refused,`;
    const next = calls.find(({ id, digest }) => id > call.id && digest === call.digest);
    if (!next) {
      violations.push(`${name} was never made again.`);
      continue;
    }
    if (next.model !== call.model) elsewhere += 1;
    else if (sameLife(run, call, next) && next.askedAt - call.askedAt < (call.pauseMs ?? 0))
      violations.push(
        `${name} was made again after ${next.askedAt - call.askedAt} of the ${call.pauseMs} ms it asked for.`,
      );
  }
  if (refused && refused.length !== failed.length)
    violations.push(`${failed.length} requests failed, ${refused.length} of them on purpose.`);

  for (const digest of new Set(failed.map((call) => call.digest))) {
    const asked = calls.filter((call) => call.digest === digest);
    const answers = asked.filter(({ outcome }) => outcome === "completed").length;
    if (asked[0] && answers !== 1)
      violations.push(`The ${describeCall(asked[0])} was refused and then got ${answers} answers.`);
  }
  return {
    claim: "Each refused request was made good by one more",
    figures:
      `${count(failed.length, "request")} refused, ` +
      `${elsewhere} taken to another model, ${failed.length - elsewhere} back after the pause`,
    violations,
  };
}

/** A new process knows nothing of a pause that was asked of the one before it. */
function sameLife({ kills }: RunRecord, one: ModelCall, other: ModelCall): boolean {
  const lifeOf = ({ id }: ModelCall) => kills.filter(({ callsSoFar }) => callsSoFar < id).length;
  return lifeOf(one) === lifeOf(other);
}
