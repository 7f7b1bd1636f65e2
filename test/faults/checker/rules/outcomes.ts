import { endOf } from "../../history/history.ts";
import { CALL_BOUND_MS, judgeFailure } from "../../promises.ts";
import type { CheckedHistory } from "../checked-history.ts";
import type { Violation } from "../violation.ts";

/** Every call ends in time, unless its process was killed; and what it throws is an error it may throw. */
export function checkOutcomes({ history }: CheckedHistory): Violation[] {
  return history.calls.flatMap((recorded): Violation[] => {
    const { call, outcome, invokedAtMs, wasKilled } = recorded;
    const what = `${call.op} of ${call.thread}`;
    if (wasKilled) return [];
    if (outcome.kind === "unknown") {
      return [{ kind: "stuck", what: `${what} never ended`, shownBy: recorded }];
    }
    const violations: Violation[] = [];
    const tookMs = outcome.atMs - invokedAtMs;
    if (tookMs > CALL_BOUND_MS) {
      violations.push({ kind: "stuck", what: `${what} took ${tookMs} ms`, shownBy: recorded });
    }
    if (outcome.kind === "failed") {
      const { name, message, code } = outcome.failure;
      const found = judgeFailure(history.plan.part, outcome.failure);
      const kind = code === "CORRUPT_CHECKPOINT" ? "false alarm" : found;
      if (kind !== undefined) {
        violations.push({ kind, what: `${what}: ${name}: ${message}`, shownBy: recorded });
      }
    }
    return violations;
  });
}

/** No walk through a thread finds damage, and the last one has come to its end. */
export function checkDamages({ history }: CheckedHistory): Violation[] {
  const reports = history.calls.filter(({ call }) => call.op === "verifyThread");
  const found = reports.flatMap((recorded): Violation[] => {
    const { call, outcome } = recorded;
    if (outcome.kind !== "ok" || !("damages" in outcome.result)) return [];
    return outcome.result.damages.map((damage) => ({
      kind: "false alarm",
      what: `verifyThread of ${call.thread}: ${damage}`,
      shownBy: recorded,
    }));
  });
  const lastWriteMs = Math.max(
    0,
    ...history.calls
      .filter(({ call }) => call.op === "put" || call.op === "putWrites")
      .map(({ invokedAtMs }) => invokedAtMs),
  );
  const verified = new Set(
    reports
      .filter((one) => one.invokedAtMs > lastWriteMs && endOf(one) < Infinity)
      .map(({ call }) => call.thread),
  );
  const unverified = history.plan.threads
    .filter(({ thread }) => !verified.has(thread))
    .map(({ thread }) => ({
      kind: "not checked" as const,
      what: `nobody has verified ${thread} in the end`,
      shownBy: undefined,
    }));
  return [...found, ...unverified];
}
