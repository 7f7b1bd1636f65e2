import { CostTracker, type CostSnapshot } from "@threadkeep/resilient-llm";

/** What several processes spent together, each told by its last snapshot. */
export function sumCosts(snapshots: readonly CostSnapshot[]): CostSnapshot {
  return snapshots.reduce(addUp, new CostTracker().snapshot());
}

/** Adds number to number, in all depths; what only one side has is kept. */
function addUp<T extends object>(left: T, right: T): T {
  const sum: Record<string, unknown> = { ...(left as Record<string, unknown>) };
  for (const [key, value] of Object.entries(right) as [string, number | object][]) {
    const known = sum[key];
    if (typeof value === "number") sum[key] = value + ((known as number | undefined) ?? 0);
    else sum[key] = addUp((known as object | undefined) ?? {}, value);
  }
  return sum as T;
}
