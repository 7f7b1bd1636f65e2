import { sealSearch } from "./seal-search.ts";
import type { Filter } from "mongodb";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { fromCode, toCode } from "../records/standing.ts";
import { assertRecord } from "../store/assert-record.ts";
import {
  comparePlaces,
  countStanding,
  findConfigured,
  findCreated,
  findIndexed,
  findStandingIds,
  findUpdated,
  joinHeads,
  type IndexedThread,
  type SearchOrder,
  type SearchPlace,
  type StandingCondition,
} from "../store/search-records.ts";
import { isOver, outlive, readState } from "../store/thread-record.ts";
import { writeCursor } from "./cursor.ts";
import { settleMoving } from "./derive-standing.ts";
import type { FieldCondition, ResolvedFilter, ResolvedSearch } from "./search-options.ts";
import { readThreadMetadata } from "./metadata.ts";
import type { ThreadPage, ThreadSummary } from "./thread.ts";

/** What a search of threads needs. */
export type SearchContext = Pick<SaverContext, "store" | "hasher" | "settings">;

/**
 * So many threads that a condition finds are read at once, and sorted here. If it finds more, the search goes
 * through the threads in their order instead, and leaves out those that do not fit.
 */
const FEW = 1_000;

/** Threads looked at with one command where some may not fit. */
const BATCH = 200;

/** All codes of a standing. */
const ALL_CODES = [0, 1, 2, 3] as const;

/**
 * Finds a page of threads.
 *
 * @throws InvalidOptionsError if it asks for a field of the config that is not kept
 */
export async function searchThreads(
  context: SearchContext,
  asked: ResolvedSearch,
): Promise<ThreadPage> {
  requireKept(context, asked);
  const search = sealSearch(context.store.encryption, asked);
  const { by, isAscending, limit, cursor } = search;
  const order = { by, isAscending };
  await settleMoving(context);
  const few = await findFew(context, search);
  const found =
    few === undefined
      ? await takeInOrder(context, search, order, cursor, limit)
      : takePage(few, order, cursor, limit);
  const last = found.length < limit ? undefined : found.at(-1);
  const place = last && toPlace(last, order);
  return { threads: found, cursor: place && writeCursor(place, order) };
}

/** Counts threads. */
export async function countThreads(context: SearchContext, asked: ResolvedFilter): Promise<number> {
  const { store } = context;
  requireKept(context, asked);
  const filter = sealSearch(store.encryption, asked);
  await settleMoving(context);
  const { status, fields, config, ids } = filter;
  const isOfConfig = config.length > 0;
  if (!isOfConfig && ids === undefined && fields.length === 0 && status !== "expired") {
    return countStanding(store, toStanding(filter), store.estimateTime());
  }
  if (!isOfConfig && ids === undefined && !hasStanding(filter)) {
    return store.threads.countDocuments({ kind: "thread", ...toRecordFilter(filter, store) });
  }
  const few = await findFew(context, filter);
  if (few !== undefined) return few.length;
  const order = { by: "created_at", isAscending: true } as const;
  return (await takeInOrder(context, filter, order, undefined, Infinity)).length;
}

/** What records and latest checkpoints say of threads. Those that are not there are left out. */
export function summarize(
  context: Pick<SearchContext, "settings">,
  threads: readonly IndexedThread[],
  nowMs: number,
): readonly ThreadSummary[] {
  return threads
    .filter(({ record, head }) => head !== undefined || record.stands !== undefined)
    .filter(({ record }) => isSoundOrReported(context, record))
    .map(({ record, head }) => {
      const { code, at } = head?.stands ?? record.stands ?? {};
      const step = readStep(head);
      return {
        threadId: record.thread_id,
        status: isOver(record, nowMs) ? "expired" : fromCode(code ?? 0),
        createdAt: record.created_at,
        updatedAt: at,
        expiresAt: readState(record).expiresAt,
        metadata: readThreadMetadata(record.metadata),
        checkpointId: head?.checkpoint_id,
        step: typeof step === "number" ? step : undefined,
      };
    });
}

/** The number of a step, which metadata has. It is encrypted with the rest of it, unless it is searchable. */
function readStep(head: IndexedThread["head"]): unknown {
  const { metadata, metadata_encoded: encoded } = head ?? {};
  if (metadata?.["step"] !== undefined || typeof encoded !== "string") return metadata?.["step"];
  return readThreadMetadata(encoded)["step"];
}

function requireKept({ settings }: SearchContext, { configNames }: ResolvedFilter): void {
  const unknown = configNames.find((name) => !settings.indexedConfig.includes(name));
  if (unknown === undefined) return;
  throw new InvalidOptionsError(
    `Invalid option config.${unknown} of a search of threads: expected a field that indexedConfig of the saver ` +
      "names, got another one.",
  );
}

/** All threads that a filter finds; undefined if they are too many to be read at once. */
async function findFew(
  context: SearchContext,
  filter: ResolvedFilter & Partial<SearchOrder>,
): Promise<readonly ThreadSummary[] | undefined> {
  const { store } = context;
  const { ids, fields, config, status } = filter;
  const ofRecords = toRecordFilter(filter, store);
  const readAmong = async (threadIds: readonly string[]): Promise<readonly ThreadSummary[]> => {
    if (threadIds.length === 0) return [];
    return fit(context, filter, await findIndexed(store, threadIds));
  };
  if (ids !== undefined) return readAmong(ids);
  if (fields.length > 0 || status === "expired") {
    const records = await store.threads
      .find({ kind: "thread", ...ofRecords })
      .limit(FEW + 1)
      .toArray();
    if (records.length <= FEW) return fit(context, filter, await joinHeads(store, records));
  }
  if (config[0] !== undefined) {
    const configured = await findConfigured(store, config[0], FEW + 1);
    if (configured.length <= FEW) return readAmong(configured);
  }
  // By the last update, the index of standings has the order itself.
  const isOwnOrder = filter.by === "updated_at" && fields.length === 0;
  if (!hasStanding(filter) || isOwnOrder) return undefined;
  const standing = await findStandingIds(store, toStanding(filter), FEW + 1);
  return standing.length > FEW ? undefined : readAmong(standing);
}

/** Goes through all threads in their order, from a place on, until enough fit. */
async function takeInOrder(
  context: SearchContext,
  filter: ResolvedFilter,
  order: SearchOrder,
  cursor: SearchPlace | undefined,
  limit: number,
): Promise<readonly ThreadSummary[]> {
  const { store } = context;
  const isUpdated = order.by === "updated_at";
  const mayNotFit =
    filter.fields.length > 0 || filter.config.length > 0 || (!isUpdated && hasStanding(filter));
  const batchSize = mayNotFit || limit > BATCH ? BATCH : limit;
  const found = new Map<string, ThreadSummary>();
  let after = cursor;
  for (;;) {
    const batch = isUpdated
      ? (await findUpdated(store, toStanding(filter), order, after, batchSize)).map(
          ({ thread_id: threadId, stands }) => ({ threadId, at: stands!.at }),
        )
      : (await findCreated(store, toRecordFilter(filter, store), order, after, batchSize)).map(
          ({ thread_id: threadId, created_at: at }) => ({ threadId, at: at! }),
        );
    const indexed = await findIndexed(
      store,
      batch.map(({ threadId }) => threadId),
    );
    const fitting = new Map(
      fit(context, filter, indexed).map((summary) => [summary.threadId, summary]),
    );
    for (const { threadId, at } of batch) {
      const summary = fitting.get(threadId);
      // A checkpoint that is not the latest any more tells nothing.
      if (summary === undefined || toPlace(summary, order).at.getTime() !== at.getTime()) continue;
      found.set(threadId, summary);
      if (found.size === limit) return Array.from(found.values());
    }
    if (batch.length < batchSize) return Array.from(found.values());
    after = batch.at(-1);
  }
}

/** A page of threads that are all known. */
function takePage(
  few: readonly ThreadSummary[],
  order: SearchOrder,
  cursor: SearchPlace | undefined,
  limit: number,
): readonly ThreadSummary[] {
  const compare = (a: ThreadSummary, b: ThreadSummary): number =>
    comparePlaces(toPlace(a, order), toPlace(b, order), order);
  return few
    .filter((one) => cursor === undefined || comparePlaces(toPlace(one, order), cursor, order) > 0)
    .toSorted(compare)
    .slice(0, limit);
}

function toPlace(
  { threadId, createdAt, updatedAt }: ThreadSummary,
  { by }: SearchOrder,
): SearchPlace {
  const at = by === "created_at" ? createdAt : updatedAt;
  return { at: at ?? new Date(0), threadId };
}

/** Of threads whose records fit, those that fit in all else. */
function fit(
  { store, settings }: SearchContext,
  { status, updatedAfter, fields, config }: ResolvedFilter,
  threads: readonly IndexedThread[],
): readonly ThreadSummary[] {
  const fitting = threads.filter(
    ({ record, head }) =>
      fields.every((one) => hasField(record, one)) &&
      config.every((one) => head?.config?.includes(one)),
  );
  return summarize({ settings }, fitting, store.estimateTime()).filter(
    (thread) =>
      (status === undefined || thread.status === status) &&
      (updatedAfter === undefined ||
        (thread.updatedAt !== undefined && thread.updatedAt > updatedAfter)),
  );
}

/** As a server compares texts. */
function hasField({ fields = [] }: ThreadDocument, condition: FieldCondition): boolean {
  if (typeof condition === "string") return fields.includes(condition);
  if ("$in" in condition) return condition.$in.some((one) => fields.includes(one));
  const { $gte, $gt, $lte, $lt } = condition;
  const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return fields.some(
    (field) =>
      ($gte === undefined || compare(field, $gte) >= 0) &&
      ($gt === undefined || compare(field, $gt) > 0) &&
      ($lte === undefined || compare(field, $lte) <= 0) &&
      ($lt === undefined || compare(field, $lt) < 0),
  );
}

/** Whether a filter asks where threads stand. */
function hasStanding({ status, updatedAfter }: ResolvedFilter): boolean {
  return (status !== undefined && status !== "expired") || updatedAfter !== undefined;
}

function toStanding({ status, updatedAfter }: ResolvedFilter): StandingCondition {
  const codes = status === undefined || status === "expired" ? ALL_CODES : [toCode(status)];
  return { codes, updatedAfter };
}

/** What a filter asks of records. */
function toRecordFilter(
  { fields, status }: ResolvedFilter,
  store: Pick<SearchContext["store"], "estimateTime">,
): Filter<ThreadDocument> {
  const [first, ...others] = fields.map(matchField);
  return {
    // Not every server looks for an index inside of a condition that combines others.
    ...first,
    ...(others.length > 0 && { $and: others }),
    ...(status === "expired" && { expires_at: { $lte: outlive(new Date(store.estimateTime())) } }),
  };
}

function matchField(condition: FieldCondition): Filter<ThreadDocument> {
  // Of a list, one item has to lie between both bounds.
  return { fields: typeof condition === "string" ? condition : { $elemMatch: condition } };
}

function isSoundOrReported(
  { settings }: Pick<SearchContext, "settings">,
  record: ThreadDocument,
): boolean {
  try {
    assertRecord(record, record.thread_id);
    return true;
  } catch (error) {
    if (settings.onCorruption === "throw" || !CorruptCheckpointError.isInstance(error)) throw error;
    settings.onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return false;
  }
}
