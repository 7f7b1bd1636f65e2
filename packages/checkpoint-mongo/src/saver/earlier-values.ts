import type { ChannelManifest } from "../documents/manifest.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import type { ThreadState } from "../store/thread-record.ts";
import type { Cache } from "./cache.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import { loadParent } from "./load-parent.ts";
import { recallAncestors, walkRecords } from "./walk-parents.ts";

// LangGraph stores the value of a delta channel only now and then, so the parent mostly has none. A
// snapshot builds upon the one before, which may be hundreds of checkpoints back.

/** How the nearest ancestor that stores a channel stores it, as far as this process remembers. */
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
 * Gets the nearest ancestor that stores a channel, as something to build upon: like a parent, it is
 * read again if it is in memory for long. No command is sent where all is remembered.
 *
 * @returns undefined where there is none, and where an ancestor is damaged: the value is stored whole
 *   then, and whoever reads the damaged one is told
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
