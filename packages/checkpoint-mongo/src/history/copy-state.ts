import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { writeHeader } from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredStanding, WriteSetDocument } from "../documents/documents.ts";
import { listSegments } from "../documents/manifest.ts";
import { parseSegmentId, type ContentHash } from "../documents/segment-id.ts";
import { hashAddress, hashWritesPlace } from "../integrity/hashes.ts";
import { buildCheckpoint, type BuiltCheckpoint } from "../put/build-checkpoint.ts";
import { writeMetadata } from "../put/snapshot.ts";
import { standAt } from "../put/stand-at.ts";
import { loadContents } from "../read/contents.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { listWantedOfWrites, listWriteSegments, readWriteSet } from "../read/read-writes.ts";
import { raiseBy, toCode } from "../records/standing.ts";
import type { ChainUpdate } from "../store/chain.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { countCheckpoint, isCounted } from "../store/mark-sets.ts";
import { insertAsLatest, insertEarlier } from "../store/place-as-latest.ts";
import { insertWriteSet, type WriteSetToStore } from "../store/save-writes.ts";
import type { CollectedCheckpoint, CollectedState } from "./collect-state.ts";

/** The segments that states refer to. */
export function listRoots(states: readonly CollectedState[]): readonly ContentHash[] {
  const roots = new Set<ContentHash>();
  for (const { record, writes } of states.flat()) {
    const ids = [...listSegments(record.manifest), ...listWriteSegments(writes)];
    for (const id of ids) roots.add(parseSegmentId(id).root);
  }
  return [...roots];
}

/**
 * The updates that put copies of states into a thread without checkpoints. Ids stay as they are, so that pending
 * writes belong to the same tasks. Hashes are the thread's own.
 *
 * @param states the one of the root graph first; it is stored last
 */
export async function planCopies(
  context: SaverContext,
  thread: FencedThread,
  states: readonly CollectedState[],
): Promise<readonly ChainUpdate[]> {
  const updates: ChainUpdate[] = [];
  for (const state of states.toReversed()) {
    let parent: BuiltCheckpoint | undefined;
    for (const [index, collected] of state.entries()) {
      const seq = index + 1;
      const address = { ...collected.record.address, threadId: thread.threadId };
      for (const set of collected.writes) {
        updates.push(insertWriteSet(thread, await copySet(context, thread, address, set)));
      }
      const built = await copyCheckpoint(context, thread, collected, { address, seq, parent });
      const isLast = seq === state.length;
      updates.push(
        isLast
          ? insertAsLatest(thread, built.document, standWith(context, built, collected))
          : insertEarlier(thread, built.document, seq + 1),
      );
      if (isLast && context.setsSeen !== undefined && isCounted(address.checkpointNs)) {
        updates.push(countCheckpoint(thread.state, address.checkpointNs, seq));
      }
      parent = built;
    }
  }
  return updates;
}

interface CopyPlace {
  readonly address: CheckpointAddress;
  readonly seq: number;
  /** The copy of its parent, if that is copied as well. */
  readonly parent: BuiltCheckpoint | undefined;
}

async function copyCheckpoint(
  context: SaverContext,
  thread: FencedThread,
  { record }: CollectedCheckpoint,
  { address, seq, parent }: CopyPlace,
): Promise<BuiltCheckpoint> {
  const metadata = await decodeMetadata(record, context);
  const written = await writeMetadata(context.serializer.createWriter(), metadata as never);
  const { header, manifest, origin, sizes } = record;
  return buildCheckpoint(
    context,
    { address, snapshot: { header, headerText: writeHeader(header) } },
    {
      parentCheckpointId: parent?.record.address.checkpointId,
      parentHash: parent?.record.hash,
      metadata: written,
      // No run has put it.
      origin: { ...origin, runId: undefined },
      state: { manifest },
      sizes,
    },
    { thread, seq, keyName: context.hasher.keyName },
  );
}

async function copySet(
  context: SaverContext,
  { threadId, epoch }: FencedThread,
  address: CheckpointAddress,
  set: WriteSetDocument,
): Promise<WriteSetToStore> {
  const contents = await loadContents(context, listWantedOfWrites([set]));
  const writes = await readWriteSet(set, contents, context);
  const { epoch: _epoch, expires_at: _expiry, key_name: _key, ...own } = set;
  const { task_id: taskId, task_path: taskPath = "", idx: place } = set;
  const { keyName } = context.hasher;
  const hash = await context.hasher.hashWriteSet({
    keyName,
    address,
    epoch,
    taskId,
    taskPath,
    place,
    writes,
  });
  return {
    ...own,
    _id: hashWritesPlace(address, taskId, place),
    thread_id: threadId,
    checkpoint: hashAddress(address) as WriteSetDocument["checkpoint"],
    ...(keyName !== undefined && { key_name: keyName }),
    hash: hash as WriteSetDocument["hash"],
  };
}

function standWith(
  context: SaverContext,
  { record }: BuiltCheckpoint,
  { writes }: CollectedCheckpoint,
): StoredStanding | undefined {
  const stands = standAt(context, record);
  const special = writes.filter(({ writes: [first] }) =>
    [ERROR, INTERRUPT].includes(first?.channel ?? ""),
  );
  const raised = raiseBy(special.map(({ idx }) => idx));
  return stands === undefined || raised === undefined
    ? stands
    : { ...stands, code: toCode(raised) };
}
