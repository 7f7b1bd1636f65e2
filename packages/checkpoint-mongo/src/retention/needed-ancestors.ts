import type { PlannedCheckpoint } from "./planned-checkpoint.ts";

/**
 * What stays needs ancestors, and these need theirs.
 *
 * @param own all checkpoints of one namespace
 */
export function addNeeded(
  own: readonly PlannedCheckpoint[],
  chosen: readonly PlannedCheckpoint[],
): ReadonlySet<PlannedCheckpoint> {
  const byId = new Map(own.map((planned) => [planned.address.checkpointId, planned]));
  const kept = new Set<PlannedCheckpoint>();
  const waiting = [...chosen];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (kept.has(next)) continue;
    kept.add(next);
    waiting.push(...listNeeded(next, byId));
  }
  return kept;
}

function* listNeeded(
  planned: PlannedCheckpoint,
  byId: ReadonlyMap<string, PlannedCheckpoint>,
): Generator<PlannedCheckpoint> {
  const { needs } = planned;
  const open = typeof needs === "string" ? undefined : new Set(needs);
  if (needs === "none" || open?.size === 0) return;
  const seen = new Set<PlannedCheckpoint>();
  let ancestor = byId.get(planned.parentCheckpointId ?? "");
  while (ancestor !== undefined && !seen.has(ancestor)) {
    seen.add(ancestor);
    yield ancestor;
    if (needs === "parent") return;
    for (const channel of ancestor.channels) open?.delete(channel);
    if (open?.size === 0) return;
    ancestor = byId.get(ancestor.parentCheckpointId ?? "");
  }
}
