import type { SimulatedFaultMark } from "../failure/simulated-fault-kind.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";

/**
 * Says in the outcome of an attempt which simulated fault it has met, so that nobody takes it for a real
 * one. If the model was not asked, the attempt used nothing, whatever the simulated answer said.
 */
export function markSimulated<Value>(
  outcome: AttemptOutcome<Value>,
  fault: SimulatedFaultMark | undefined,
): AttemptOutcome<Value> {
  if (!fault) return outcome;
  const usage = fault.isAsked ? outcome.usage : undefined;
  const marked = { ...outcome, usage, simulatedFault: fault };
  if (marked.status !== "failed") return marked;
  const { failure } = marked;
  const message = `${failure.message} (simulated: ${fault.kind})`;
  return { ...marked, failure: { ...failure, message, simulatedFault: fault.kind } };
}
