import type { Violation, ViolationKind } from "../checker/violation.ts";
import { CALL_BOUND_MS } from "../promises.ts";
import { LEASED, REJECTING, type Counted, type LeaseLine } from "./lease-order.ts";

/** How an increment ended, as its process recorded it. */
export interface Increment {
  readonly by: string;
  readonly thread: string;
  /** Unknown if its process was killed first. */
  readonly outcome: "done" | "failed" | "unknown";
  readonly code: string | null | undefined;
  readonly message: string | undefined;
  readonly tookMs: number;
}

/** What is stored of a thread in the end, the first checkpoint first. */
export interface StoredCounts {
  readonly counts: readonly Counted[];
  readonly damages: readonly string[];
}

/** Puts together what a process recorded. */
export function readIncrements(lines: readonly LeaseLine[]): Increment[] {
  const begun = new Map<string, Increment & { readonly atMs: number }>();
  for (const line of lines) {
    if ("begun" in line) {
      const { begun: by, thread, atMs } = line;
      const open = { code: undefined, message: undefined, tookMs: 0 };
      begun.set(by, { by, thread, outcome: "unknown", atMs, ...open });
      continue;
    }
    const by = "done" in line ? line.done : line.failed;
    const own = begun.get(by)!;
    const tookMs = line.atMs - own.atMs;
    begun.set(
      by,
      "done" in line
        ? { ...own, outcome: "done", tookMs }
        : { ...own, outcome: "failed", code: line.code, message: line.message, tookMs },
    );
  }
  return [...begun.values()];
}

/** Errors that an increment may end with: it lost, or nobody could be reached. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  [LEASED]: ["LEASE_LOST", "THREAD_LEASED", "STORAGE_UNAVAILABLE", "WRITE_CONFLICT"],
  [REJECTING]: ["CONCURRENT_UPDATE", "STORAGE_UNAVAILABLE", "WRITE_CONFLICT"],
};

/** Errors that say that nothing was stored. */
const TELLS_LOSER = "CONCURRENT_UPDATE";

/**
 * Checks that no update was lost and none done twice, that no holder wrote after a later one, and that a conflict was
 * told to those whose update is not there, and to nobody else.
 */
export function checkLeases(
  increments: readonly Increment[],
  stored: Readonly<Record<string, StoredCounts>>,
): Violation[] {
  const violations: Violation[] = [];
  const add = (kind: ViolationKind, what: string): void => {
    violations.push({ kind, what, shownBy: undefined });
  };
  for (const [thread, { counts, damages }] of Object.entries(stored)) {
    for (const damage of damages) add("false alarm", `verifyThread of ${thread}: ${damage}`);
    for (const [index, { count, by }] of counts.entries()) {
      if (count !== index + 1)
        add("broken chain", `${by} counted ${count} in place ${index + 1} of ${thread}`);
    }
    for (const [by, those] of Map.groupBy(counts, (one) => one.by)) {
      if (those.length > 1) add("invented", `${by} is there ${those.length} times`);
    }
    let latest = 0;
    for (const { by, token } of counts) {
      if (token < latest)
        add("stale", `${by} with token ${token} was stored after token ${latest}`);
      latest = Math.max(latest, token);
    }
    for (const [token, those] of Map.groupBy(counts, (one) => one.token)) {
      if (token !== 0 && those.length > 1) {
        add("wrong", `token ${token} was given to ${those.map(({ by }) => by).join(" and ")}`);
      }
    }
  }
  for (const { by, thread, outcome, code, message, tookMs } of increments) {
    const isThere = stored[thread]!.counts.some((one) => one.by === by);
    if (outcome === "done" && !isThere) add("lost", `${by} was acknowledged`);
    if (code === TELLS_LOSER && isThere) add("wrong", `${by} was told of a conflict, and is there`);
    if (code === null) add("untyped error", `${by}: ${message}`);
    if (typeof code === "string" && !ALLOWED[thread]!.includes(code)) {
      add("unexpected error", `${by}: ${message}`);
    }
    if (tookMs > CALL_BOUND_MS) add("stuck", `${by} took ${tookMs} ms`);
  }
  return violations;
}
