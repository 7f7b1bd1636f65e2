import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { discardCheckpoints } from "../store/discard-checkpoints.ts";
import { findBetween } from "../store/find-between.ts";
import { markSurvivors, type SurvivorMark } from "../store/prune-checkpoints.ts";
import { findChildren } from "../store/find-children.ts";
import { endDiscarding, type NamedRollback } from "../store/rollback-entries.ts";
import { scanCheckpoints } from "../store/scan-thread.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { readRoot } from "./lineage.ts";

/** Children looked for with one command. */
const BATCH_SIZE = 500;

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
    const byNamespace = Map.groupBy(all, ({ checkpoint_ns }) => checkpoint_ns);
    for (const own of byNamespace.values()) count += await discard(context, name, own);
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

/** @param own of one namespace */
async function discard(
  context: SaverContext,
  name: string,
  own: readonly CheckpointDocument[],
): Promise<number> {
  const { store, cache } = context;
  const gone = new Set(own.map(({ checkpoint_id }) => checkpoint_id));
  await markChildren(context, own, gone);
  const count = await discardCheckpoints(
    store,
    name,
    own.map(({ _id }) => _id),
  );
  for (const document of own) {
    const address = toAddress(document);
    cache.forgetRecord(address);
    cache.forgetHead(address);
  }
  // A run that still went on from one of them may have put a child since the first look.
  await markChildren(context, own, gone);
  return count;
}

/** Lets the children that stay know that their parents are gone for a reason. */
async function markChildren(
  { store, hasher }: SaverContext,
  own: readonly CheckpointDocument[],
  gone: ReadonlySet<string>,
): Promise<void> {
  for (let start = 0; start < own.length; start += BATCH_SIZE) {
    const batch = own.slice(start, start + BATCH_SIZE);
    const ids = batch.map(({ checkpoint_id }) => checkpoint_id);
    const marks: SurvivorMark[] = [];
    for (const child of await findChildren(store, toAddress(batch[0]!), ids)) {
      if (gone.has(child.checkpoint_id) || child.parent_hash === undefined) continue;
      const { address, epoch, hash } = readRecord({ ...child, kind: "checkpoint" }, hasher);
      const { _id, thread_id, hash: stored, key_name: keyName } = child;
      const cut = hasher.hashCut({ address, epoch, keyName, hash });
      marks.push({ _id, thread_id, hash: stored, cut });
    }
    if (marks.length > 0) await markSurvivors(store, marks);
  }
}

function isOfLife({ epoch = 0 }: CheckpointDocument, thread: ThreadState): boolean {
  return epoch === thread.epoch;
}

function toAddress({ thread_id, checkpoint_ns, checkpoint_id }: CheckpointDocument) {
  return { threadId: thread_id, checkpointNs: checkpoint_ns, checkpointId: checkpoint_id };
}
