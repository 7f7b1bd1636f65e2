import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { loadContents } from "../read/contents.ts";
import { listManifestSegments } from "../read/read-tuple.ts";
import { listWantedOfWrites, readWrites } from "../read/read-writes.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findCheckpoint } from "../store/find-checkpoint.ts";
import { findLabelled } from "../store/label-checkpoints.ts";
import { measureSegments, measureThread } from "../store/measure-thread.ts";
import { findIndexed } from "../store/search-records.ts";
import { scanCheckpoints } from "../store/scan-thread.ts";
import { settle } from "./derive-standing.ts";
import { summarize } from "./search-threads.ts";
import type { PendingInterrupt, ThreadDetails, ThreadLabel } from "./thread.ts";

/**
 * What is known of a thread.
 *
 * @param withChannels whether to measure each channel, which reads all of its checkpoints
 * @returns undefined if it is not there
 */
export async function describeThread(
  context: SaverContext,
  threadId: string,
  withChannels: boolean,
): Promise<ThreadDetails | undefined> {
  const { store } = context;
  let [thread] = await findIndexed(store, [threadId]);
  if (thread === undefined) return undefined;
  const { record, head } = thread;
  const isRight = head === undefined || (head.stands && (record.moving ?? []).length === 0);
  if (!isRight) {
    await settle(context, thread);
    [thread] = await findIndexed(store, [threadId]);
  }
  const [summary] = summarize(context, thread ? [thread] : [], store.estimateTime());
  if (summary === undefined) return undefined;
  const [size, pending, labels, channels] = await Promise.all([
    measureThread(store, threadId),
    readPending(context, threadId),
    readLabels(context, thread!.record),
    withChannels ? measureChannels(context, threadId) : undefined,
  ]);
  const { away } = thread!.record;
  const stored = away === undefined ? size : { checkpoints: away.checkpoints, bytes: away.bytes };
  return { ...summary, ...stored, ...pending, labels, channels };
}

async function readLabels(
  { store }: SaverContext,
  { thread_id: threadId, epoch }: ThreadDocument,
): Promise<readonly ThreadLabel[]> {
  const found = await findLabelled(store, threadId, {});
  return found
    .filter((checkpoint) => (checkpoint.epoch ?? 0) === epoch)
    .flatMap(({ checkpoint_ns: checkpointNs, checkpoint_id: checkpointId, labels = [] }) =>
      labels.map(({ name, type, at: createdAt }) => ({
        name,
        type,
        checkpointNs,
        checkpointId,
        createdAt,
      })),
    );
}

async function readPending(
  context: SaverContext,
  threadId: string,
): Promise<Pick<ThreadDetails, "interrupts" | "error">> {
  const root = { threadId, checkpointNs: "", checkpointId: undefined };
  const found = await findCheckpoint(context.store, root);
  if (found === undefined) return { interrupts: [], error: undefined };
  const { address } = readRecord(found.document, context.hasher);
  const contents = await loadContents(context, listWantedOfWrites(found.writes));
  const channels = [ERROR, INTERRUPT];
  const writes = await readWrites(address, found.writes, contents, context, channels);
  const interrupts: PendingInterrupt[] = [];
  let error: unknown;
  for (const [taskId, channel, value] of writes) {
    if (channel === ERROR) error = value;
    else interrupts.push(...[value].flat().map((one: unknown) => ({ taskId, value: one })));
  }
  return { interrupts, error };
}

async function measureChannels(
  { store, hasher }: SaverContext,
  threadId: string,
): Promise<Readonly<Record<string, number>>> {
  const owners = new Map<string, string>();
  const bytes = new Map<string, number>();
  for await (const document of scanCheckpoints(store, threadId)) {
    const { manifest } = readRecord(document, hasher);
    for (const [channel, held] of manifest) {
      if (!bytes.has(channel)) bytes.set(channel, 0);
      const { lines, bytes: typed } = listManifestSegments(new Map([[channel, held]]));
      for (const id of [...lines, ...typed]) {
        const { root } = parseSegmentId(id);
        if (!owners.has(root)) owners.set(root, channel);
      }
    }
  }
  for (const [root, size] of await measureSegments(store, threadId)) {
    const channel = owners.get(root);
    if (channel !== undefined) bytes.set(channel, bytes.get(channel)! + size);
  }
  return Object.fromEntries(bytes);
}
