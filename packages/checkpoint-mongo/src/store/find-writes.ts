import type { FindCursor } from "mongodb";
import type { CheckpointAddress, NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/documents.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { oneOf } from "./one-of.ts";
import type { Store } from "./store.ts";

/**
 * Finds the pending writes of several checkpoints.
 *
 * @param channels only sets that hold a write to one of these; by default all
 */
export async function findWrites(
  store: Store,
  checkpoints: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  channels?: readonly string[],
): Promise<WriteSetDocument[]> {
  return checkpoints.length === 0 ? [] : openWrites(store, checkpoints, channels).toArray();
}

/**
 * Finds what {@link findWrites} finds, unless it takes more than so many bytes.
 *
 * @returns undefined if it does
 */
export async function findWritesWithin(
  store: Store,
  checkpoints: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  maxBytes: number,
): Promise<WriteSetDocument[] | undefined> {
  const found: WriteSetDocument[] = [];
  if (checkpoints.length === 0) return found;
  let bytes = 0;
  for await (const set of openWrites(store, checkpoints)) {
    bytes += measureDocument(set);
    // Leaving the loop closes the cursor.
    if (bytes > maxBytes) return undefined;
    found.push(set);
  }
  return found;
}

function openWrites(
  { writes }: Store,
  checkpoints: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  channels?: readonly string[],
): FindCursor<WriteSetDocument> {
  return writes.find({
    // Only a set of writes names a checkpoint. The thread names the shard to ask.
    checkpoint: oneOf(checkpoints.map(({ _id }) => _id)),
    thread_id: oneOf(checkpoints.map(({ thread_id }) => thread_id)),
    ...matchChannels(channels),
  });
}

/**
 * Groups sets of pending writes by the checkpoint that they point to, in hex. A damaged set may point
 * to several checkpoints, and is in the group of each.
 */
export function groupByPointer(
  sets: readonly WriteSetDocument[],
): ReadonlyMap<string, readonly WriteSetDocument[]> {
  const groups = new Map<string, WriteSetDocument[]>();
  for (const set of sets) {
    for (const pointer of [set.checkpoint].flat()) {
      const key = isBinary(pointer) ? bytesToHex(pointer) : "";
      const group = groups.get(key) ?? [];
      group.push(set);
      groups.set(key, group);
    }
  }
  return groups;
}

/** Whether any task of a checkpoint has a set of writes in this place among its own. */
export async function hasWrite(
  { writes }: Store,
  { threadId, checkpointNs, checkpointId }: CheckpointAddress,
  place: number,
): Promise<boolean> {
  const found = await writes.findOne(
    {
      thread_id: threadId,
      kind: "writes",
      checkpoint_ns: checkpointNs,
      checkpoint_id: checkpointId,
      idx: place,
    },
    { projection: { _id: 1 } },
  );
  return found !== null;
}

/** Which of a namespace's checkpoints have a task with a set of writes in this place among its own. */
export async function findWithWrite(
  { writes }: Pick<Store, "writes">,
  { threadId, checkpointNs }: NamespaceAddress,
  checkpointIds: readonly string[],
  place: number,
): Promise<ReadonlySet<string>> {
  if (checkpointIds.length === 0) return new Set();
  const found = await writes
    .find({
      thread_id: threadId,
      kind: "writes",
      checkpoint_id: { $in: [...checkpointIds] },
      checkpoint_ns: checkpointNs,
      idx: place,
    })
    .project<Pick<WriteSetDocument, "checkpoint_id">>({ checkpoint_id: 1 })
    .toArray();
  return new Set(found.map(({ checkpoint_id: checkpointId }) => checkpointId));
}

/**
 * Finds the pending writes of all checkpoints of one namespace whose ids lie between those of the given
 * ones. It reads one range of an index, where {@link findWrites} looks up each checkpoint.
 *
 * @param checkpoints all of one namespace
 * @param channels only sets that hold a write to one of these
 */
export async function findWritesBetween(
  store: Store,
  checkpoints: readonly CheckpointAddress[],
  channels: readonly string[],
): Promise<WriteSetDocument[]> {
  const [first] = checkpoints;
  if (first === undefined) return [];
  const ids = checkpoints.map(({ checkpointId }) => checkpointId).toSorted(compareAsServer);
  return store.writes
    .find(
      {
        thread_id: first.threadId,
        kind: "writes",
        checkpoint_ns: first.checkpointNs,
        checkpoint_id: { $gte: ids[0]!, $lte: ids.at(-1)! },
        ...matchChannels(channels),
      },
      { batchSize: checkpoints.length + 1 },
    )
    .toArray();
}

/** The server compares text by its UTF-8, JavaScript by its UTF-16. */
function compareAsServer(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function matchChannels(channels: readonly string[] | undefined): object {
  return channels === undefined ? {} : { "writes.channel": { $in: [...channels] } };
}
