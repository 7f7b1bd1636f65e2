import type { CheckpointAddress } from "../address/address.ts";
import type { SeenCheckpoint } from "../memory/sets-seen.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { markSetsLater } from "../store/mark-sets.ts";
import type { CheckpointToStore } from "../store/save-checkpoint.ts";

/**
 * Names in a checkpoint's document the sets of its pending writes that are stored already.
 *
 * @param seen undefined without the option `witness`
 */
export function nameSets(
  document: CheckpointToStore,
  seen: SeenCheckpoint | undefined,
): CheckpointToStore {
  const sets = [...(seen?.sets.values() ?? [])];
  return sets.length === 0 ? document : { ...document, sets };
}

/** Names the sets that were stored while the document was on its way. */
export async function nameLaterSets(
  thread: FencedThread,
  address: CheckpointAddress,
  { sets: named = [] }: CheckpointToStore,
  seen: SeenCheckpoint | undefined,
): Promise<void> {
  if (seen === undefined) return;
  // From now on, each writer that stores a set does this itself.
  seen.isPut = true;
  // Sets are never taken off it, so those that came later stand last.
  const later = [...seen.sets.values()].slice(named.length);
  if (later.length > 0) await markSetsLater(thread, address, later);
}
