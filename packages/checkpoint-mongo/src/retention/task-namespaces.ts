import { isPlainObject } from "../codec/values/plain-data.ts";
import type { SaverContext } from "../context/context.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { createRemovalName } from "../store/removals.ts";
import { findTaskHeads, removeNamespaces } from "../store/task-namespaces.ts";

/** A put of the root graph's checkpoint may still be under way when its tasks put theirs, but not for so long. */
const MAX_UNDER_WAY_MS = 60 * 60 * 1_000;

/** Checkpoints of the root graph. */
export interface RootCheckpoints {
  readonly stored: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/**
 * Removes the checkpoints of subgraphs that ran as tasks of a checkpoint that is gone. Each task has a namespace of
 * its own, which nothing leads to any more. So without this, a thread would grow with each turn.
 */
export async function removeTaskNamespaces(
  context: SaverContext,
  threadId: string,
  epoch: number,
  root: RootCheckpoints,
): Promise<void> {
  const { store, cache, hasher } = context;
  const namespaces = new Set<string>();
  const kept = new Set<string>();
  for (const document of await findTaskHeads(store, threadId)) {
    if ((document.epoch ?? 0) !== epoch) continue;
    const record = readRecord(document, hasher);
    const { checkpointNs } = record.address;
    const rootId = readRootId(await decodeMetadata(record, context));
    const isGone =
      rootId !== undefined &&
      (root.removed.has(rootId) ||
        (!root.stored.has(rootId) &&
          Date.parse(record.header.ts) < store.estimateTime() - MAX_UNDER_WAY_MS));
    (isGone ? namespaces : kept).add(checkpointNs);
  }
  // Two may be marked, if a server stopped in between.
  const gone = [...namespaces].filter((namespace) => !kept.has(namespace));
  if (gone.length === 0) return;
  const removal = { threadId, epoch, name: createRemovalName() };
  await removeNamespaces(store, removal, gone);
  cache.noteRemoval(removal);
}

/** The checkpoint of the root graph that a subgraph's checkpoint belongs to. */
function readRootId(metadata: unknown): string | undefined {
  const parents = isPlainObject(metadata) ? metadata["parents"] : undefined;
  const id = isPlainObject(parents) ? parents[""] : undefined;
  return typeof id === "string" ? id : undefined;
}
