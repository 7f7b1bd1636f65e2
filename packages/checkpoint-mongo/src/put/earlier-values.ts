import type { SaverContext } from "../context/context.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import type { Cache } from "../memory/cache.ts";
import { recallAncestors, walkRecords } from "../read/walk-parents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { loadParent } from "./load-parent.ts";

// LangGraph stores the value of a delta channel only now and then, so the parent mostly has none. A
// snapshot builds upon the one before, which may be hundreds of checkpoints back.

/** How a channel is stored by the nearest ancestor that stores it, as far as this process remembers. */
export function recallEarlier(
  cache: Cache,
  parent: CheckpointRecord,
  channel: string,
): ChannelManifest | undefined {
  for (const ancestor of recallAncestors(cache, parent)) {
    const stored = ancestor.manifest.get(channel);
    if (stored !== undefined) return stored;
  }
  return undefined;
}

/**
 * Gets the nearest ancestor that stores a channel, to build upon it. Like a parent, it is read again if
 * it has been in memory for long. No command is sent if everything is in memory.
 *
 * @returns undefined if there is none, or if an ancestor is damaged. The value is then stored whole,
 *   and whoever reads the damaged ancestor is told
 */
export async function findEarlier(
  context: SaverContext,
  parent: CheckpointRecord,
  channel: string,
  thread: ThreadState | undefined,
): Promise<CheckpointRecord | undefined> {
  try {
    for await (const ancestor of walkRecords(context, parent)) {
      if (!ancestor.manifest.has(channel)) continue;
      if (ancestor.isPlain === true) return undefined;
      const record = await loadParent(context, ancestor.address, thread);
      // Another process may have put it again.
      return record?.manifest.has(channel) === true ? record : undefined;
    }
    return undefined;
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}
