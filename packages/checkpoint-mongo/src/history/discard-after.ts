import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { discardCheckpoints } from "../store/discard-checkpoints.ts";
import { findBetween } from "../store/find-between.ts";
import { endDiscarding, isDiscarding, type NamedRollback } from "../store/rollback-entries.ts";
import { scanCheckpoints } from "../store/scan-thread.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { readRoot } from "./lineage.ts";

/**
 * Discards what a rollback left behind: the checkpoints of the root graph that were put after its target, and those
 * of subgraphs that belong to them. Done again, it goes on where it stopped: subgraphs go first, because the root
 * graph's checkpoints tell which of theirs belong to them.
 *
 * @returns how many checkpoints
 */
export async function discardAfter(
  context: SaverContext,
  thread: ThreadState,
  { name, discarding }: Pick<NamedRollback, "name" | "discarding">,
): Promise<number> {
  if (discarding === undefined) return 0;
  const { store } = context;
  const { threadId } = thread;
  const between = await findBetween(store, threadId, discarding);
  const root = between.filter((document) => isOfLife(document, thread));
  const rootIds = new Set(root.map(({ checkpoint_id }) => checkpoint_id));
  const nested = await findNested(context, thread, rootIds);
  let count = 0;
  for (const all of [nested, root]) {
    count += await discard(context, thread, name, all);
  }
  await endDiscarding(store, thread, name);
  return count;
}

/** The checkpoints of subgraphs that belong to checkpoints of the root graph. */
async function findNested(
  context: SaverContext,
  thread: ThreadState,
  rootIds: ReadonlySet<string>,
): Promise<readonly CheckpointDocument[]> {
  const nested: CheckpointDocument[] = [];
  for await (const document of scanCheckpoints(context.store, thread.threadId)) {
    if (document.checkpoint_ns === "" || !isOfLife(document, thread)) continue;
    const root = await readRoot(context, readRecord(document, context.hasher));
    if (root !== undefined && rootIds.has(root)) nested.push(document);
  }
  return nested;
}

async function discard(
  context: SaverContext,
  thread: ThreadState,
  name: string,
  own: readonly CheckpointDocument[],
): Promise<number> {
  const { store, cache } = context;
  const count = await discardCheckpoints(store, name, own, () => isDiscarding(store, thread, name));
  for (const document of own) {
    const address = toAddress(document);
    cache.forgetRecord(address);
    cache.forgetHead(address);
  }
  return count;
}

function isOfLife({ epoch = 0 }: CheckpointDocument, thread: ThreadState): boolean {
  return epoch === thread.epoch;
}

function toAddress({
  thread_id,
  checkpoint_ns,
  checkpoint_id,
}: CheckpointDocument): CheckpointAddress {
  return { threadId: thread_id, checkpointNs: checkpoint_ns, checkpointId: checkpoint_id };
}
