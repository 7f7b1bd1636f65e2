import type { Document, Filter } from "mongodb";
import type { CheckpointDocument, StoredStanding, ThreadDocument } from "../documents/documents.ts";
import { oneOf } from "./one-of.ts";
import type { Store } from "./store.ts";
import { isSoundStanding, MOVE_NAMES } from "./thread-entry.ts";
import { matchRecord } from "./thread-record.ts";

/** The order of a search over all threads, and where it goes on. */
export interface SearchOrder {
  readonly by: "updated_at" | "created_at";
  readonly isAscending: boolean;
}

/** A place in the order of a search. Threads of the same moment come in the order of their ids. */
export interface SearchPlace {
  readonly at: Date;
  readonly threadId: string;
}

/** What tells where a thread stands: its latest checkpoint, or else its record. */
export type StandingDocument = Pick<CheckpointDocument, "thread_id" | "stands">;

/** Finds records of threads in the order of their creation. */
export function findCreated(
  { threads }: Pick<Store, "threads">,
  filter: Filter<ThreadDocument>,
  order: SearchOrder,
  after: SearchPlace | undefined,
  limit: number,
): Promise<ThreadDocument[]> {
  const matched = continueAfter({ kind: "thread", ...filter }, "created_at", order, after);
  return threads.find(matched, { sort: toSort("created_at", order), limit }).toArray();
}

/** Finds what tells where threads stand, in the order of their last updates. */
export async function findUpdated(
  { all }: Pick<Store, "all">,
  { codes, updatedAfter }: StandingCondition,
  order: SearchOrder,
  after: SearchPlace | undefined,
  limit: number,
): Promise<StandingDocument[]> {
  const earliest = afterMoment(updatedAfter);
  // Each code is a part of the index that has the order.
  const parts = await Promise.all(
    codes.map((code) =>
      all
        .aggregate<StandingDocument>([
          { $match: matchCodes([code]) },
          { $match: continueAfter({}, "stands.at", order, after, earliest) },
          { $sort: toSort("stands.at", order) },
          { $limit: limit },
          { $project: { _id: 0, thread_id: 1, stands: 1 } },
        ])
        .toArray(),
    ),
  );
  const place = ({ stands, thread_id }: StandingDocument): SearchPlace => ({
    at: stands!.at,
    threadId: thread_id,
  });
  return parts
    .flat()
    .filter(({ stands }) => stands?.at instanceof Date)
    .toSorted((a, b) => comparePlaces(place(a), place(b), order))
    .slice(0, limit);
}

/** Compares places by the order of a search. */
export function comparePlaces(
  a: SearchPlace,
  b: SearchPlace,
  { isAscending }: Pick<SearchOrder, "isAscending">,
): number {
  const later = a.at.getTime() - b.at.getTime() || -compareIds(a.threadId, b.threadId);
  return isAscending ? later : -later;
}

/** As a server compares texts. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Both indexes have the ids in the other direction. */
function toSort(field: string, { isAscending }: SearchOrder): Record<string, 1 | -1> {
  return { [field]: isAscending ? 1 : -1, thread_id: isAscending ? -1 : 1 };
}

/** What comes after a place in the order. */
function continueAfter(
  filter: object,
  field: string,
  { isAscending }: SearchOrder,
  after: SearchPlace | undefined,
  earliest: Document = { $gte: new Date(0) },
): Document {
  if (after === undefined) return { ...filter, [field]: earliest };
  const { at, threadId } = after;
  const [beyond, next] = isAscending ? (["$gt", "$lt"] as const) : (["$lt", "$gt"] as const);
  return {
    ...filter,
    [field]: isAscending ? { $gte: at } : { ...earliest, $lte: at },
    $or: [{ [field]: { [beyond]: at } }, { [field]: at, thread_id: { [next]: threadId } }],
  };
}

/** The ids of threads that stand somewhere, in no order. */
export async function findStandingIds(
  { all }: Pick<Store, "all">,
  { codes, updatedAfter }: StandingCondition,
  limit: number,
): Promise<readonly string[]> {
  const found = await all
    .aggregate<{ readonly thread_id: string }>([
      { $match: matchCodes(codes) },
      { $match: { "stands.at": afterMoment(updatedAfter) } },
      { $limit: limit },
      { $project: { _id: 0, thread_id: 1 } },
    ])
    .toArray();
  return found.map(({ thread_id: threadId }) => threadId);
}

/** The ids of threads whose latest checkpoints have a field of the config, in no order. */
export async function findConfigured(
  { all }: Pick<Store, "all">,
  field: string,
  limit: number,
): Promise<readonly string[]> {
  const found = await all
    .aggregate<{ readonly thread_id: string }>([
      // Two stages, as in matchCodes.
      { $match: { head: true, config: field } },
      { $match: { checkpoint_ns: "" } },
      { $limit: limit },
      { $project: { _id: 0, thread_id: 1 } },
    ])
    .toArray();
  return found.map(({ thread_id: threadId }) => threadId);
}

/** Counts what stands somewhere. */
export async function countStanding(
  { all }: Pick<Store, "all">,
  { codes, updatedAfter }: StandingCondition,
  nowMs: number,
): Promise<number> {
  const [found] = await all
    .aggregate<{ readonly count: number }>([
      { $match: matchCodes(codes) },
      {
        $match: {
          "stands.at": afterMoment(updatedAfter),
          $nor: [{ expires_at: { $lte: new Date(nowMs) } }],
        },
      },
      { $count: "count" },
    ])
    .toArray();
  return found?.count ?? 0;
}

/** Which threads are meant, by where they stand. */
export interface StandingCondition {
  readonly codes: readonly number[];
  readonly updatedAfter: Date | undefined;
}

/**
 * The first stage of a search by where threads stand. What else is asked is a stage of its own: some servers take
 * an index only if the first stage asks for nothing but a value of its first field.
 */
function matchCodes(codes: readonly number[]): Document {
  return { head: true, "stands.code": oneOf(codes) };
}

function afterMoment(moment: Date | undefined): Document {
  return moment === undefined ? { $gte: new Date(0) } : { $gt: moment };
}

/** The latest checkpoint of a thread's root graph, unverified. */
export type RootHead = Pick<
  CheckpointDocument,
  | "_id"
  | "thread_id"
  | "checkpoint_id"
  | "seq"
  | "epoch"
  | "stands"
  | "metadata"
  | "metadata_encoded"
  | "config"
>;

/** A thread as searches see it. */
export interface IndexedThread {
  readonly record: ThreadDocument;
  /** Undefined if it has no checkpoint of the root graph yet. */
  readonly head: RootHead | undefined;
}

/** Adds to records of threads what tells where these stand. Deleted threads are left out. */
export async function joinHeads(
  { checkpoints, encryption }: Pick<Store, "checkpoints" | "encryption">,
  records: readonly ThreadDocument[],
): Promise<readonly IndexedThread[]> {
  const living = records.filter(({ deleted_at: deletedAt }) => deletedAt === undefined);
  if (living.length === 0) return [];
  const threadIds = living.map(({ thread_id: threadId }) => threadId);
  const marked = await checkpoints
    .aggregate<RootHead>([
      // Two stages, as in matchCodes.
      { $match: { thread_id: oneOf(threadIds) } },
      { $match: { checkpoint_ns: "", head: true } },
      {
        $project: {
          thread_id: 1,
          checkpoint_id: 1,
          seq: 1,
          epoch: 1,
          stands: 1,
          config: 1,
          "metadata.step": 1,
          // Where the step is encrypted, it takes all of them.
          ...(encryption && { kind: 1, checkpoint_ns: 1, metadata_encoded: 1 }),
        },
      },
    ])
    .toArray();
  const byThread = Map.groupBy(marked, ({ thread_id: threadId }) => threadId);
  return living.map((record) => ({
    record,
    // Of several that are marked, the highest counts.
    head: takeSound(
      byThread
        .get(record.thread_id)
        ?.filter(({ epoch = 0 }) => epoch === record.epoch)
        .toSorted((a, b) => b.seq - a.seq)
        .at(0),
    ),
  }));
}

/** Without where the thread stands, if that is damaged: `threads.get` then puts it right. */
function takeSound(head: RootHead | undefined): RootHead | undefined {
  if (head === undefined || isSoundStanding(head)) return head;
  const { stands: _damaged, ...rest } = head;
  return rest;
}

/** Finds threads by their ids. */
export async function findIndexed(
  store: Pick<Store, "threads" | "checkpoints" | "encryption">,
  threadIds: readonly string[],
): Promise<readonly IndexedThread[]> {
  if (threadIds.length === 0) return [];
  const ids = oneOf(threadIds);
  const records = await store.threads
    .aggregate<ThreadDocument>([
      // Two stages, as in matchCodes.
      { $match: { _id: ids } },
      { $match: { thread_id: ids, kind: "thread" } },
    ])
    .toArray();
  return joinHeads(
    store,
    records.filter(({ _id, thread_id: threadId }) => _id === threadId),
  );
}

/** The records of threads whose interrupts or errors may not show yet. */
export function findMoving({ threads }: Pick<Store, "threads">): Promise<ThreadDocument[]> {
  return threads
    .find({ kind: "thread", moving: { $in: MOVE_NAMES } } as Filter<ThreadDocument>)
    .toArray();
}

/** Says at a checkpoint where its thread stands, if it is still the latest, and says what it said. */
export async function settleStanding(
  { checkpoints }: Pick<Store, "checkpoints">,
  { _id, stands }: RootHead,
  settled: StoredStanding,
): Promise<void> {
  await checkpoints.updateOne(
    {
      _id,
      head: true,
      // Without them, there is nothing or damage.
      ...(stands && { "stands.code": stands.code, "stands.at": stands.at }),
    },
    { $set: { stands: settled } },
  );
}

/** Takes names of changes off the record of a thread. */
export async function removeMoves(
  { threads }: Pick<Store, "threads">,
  { thread_id, epoch }: Pick<ThreadDocument, "thread_id" | "epoch">,
  names: readonly string[],
): Promise<void> {
  await threads.updateOne(
    { ...matchRecord(thread_id), epoch },
    {
      $pull: { moving: { $in: [...names] } },
    },
  );
}
