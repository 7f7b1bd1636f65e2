import type { Filter } from "mongodb";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { fromCode, toCode } from "../records/standing.ts";
import { assertRecord } from "../store/assert-record.ts";
import { oneOf } from "../store/one-of.ts";
import { matchExpired, searchRecords } from "../store/search-records.ts";
import { isOver, readState } from "../store/thread-record.ts";
import { writeCursor } from "./cursor.ts";
import { settleMoving } from "./derive-standing.ts";
import { readThreadMetadata } from "./metadata.ts";
import type { FieldCondition, ResolvedFilter, ResolvedSearch } from "./search-options.ts";
import type { ThreadPage, ThreadStatus, ThreadSummary } from "./thread.ts";

/** What a search of threads needs. */
export type SearchContext = Pick<SaverContext, "store" | "hasher" | "settings">;

/** Finds a page of threads: by two commands, and one more for those that a server left half changed. */
export async function searchThreads(
  context: SearchContext,
  search: ResolvedSearch,
): Promise<ThreadPage> {
  const { store } = context;
  const { by, isAscending, limit, cursor, status } = search;
  if (status !== undefined) await settleMoving(context);
  const nowMs = store.estimateTime();
  const order = { by, isAscending, after: cursor };
  const records = await searchRecords(store, toFilter(search, nowMs), order, limit);
  const last = records.length < limit ? undefined : records.at(-1);
  const at = last?.[by];
  const found = summarize(context, records, nowMs);
  return {
    threads: found.filter((thread) => status === undefined || thread.status === status),
    cursor:
      last === undefined || at === undefined
        ? undefined
        : writeCursor({ at, threadId: last.thread_id }, { by, isAscending }),
  };
}

/** Counts threads. */
export async function countThreads(
  context: SearchContext,
  filter: ResolvedFilter,
): Promise<number> {
  const { store } = context;
  if (filter.status !== undefined) await settleMoving(context);
  return store.threads.countDocuments(toFilter(filter, store.estimateTime()));
}

/** What the records of threads say of them. */
export function summarize(
  context: SearchContext,
  records: readonly ThreadDocument[],
  nowMs: number,
): readonly ThreadSummary[] {
  return records
    .filter((record) => isSoundOrReported(context, record))
    .map((record) => ({
      threadId: record.thread_id,
      status: isOver(record, nowMs) ? "expired" : fromCode(record.standing?.code ?? 0),
      createdAt: record.created_at,
      updatedAt: record.updated_at,
      expiresAt: readState(record).expiresAt,
      metadata: readThreadMetadata(record.metadata),
      checkpointId: record.latest?.id,
      step: record.latest?.step,
    }));
}

function isSoundOrReported({ settings }: SearchContext, record: ThreadDocument): boolean {
  try {
    assertRecord(record, record.thread_id);
    return true;
  } catch (error) {
    if (settings.onCorruption === "throw" || !CorruptCheckpointError.isInstance(error)) throw error;
    settings.onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return false;
  }
}

function toFilter(
  { status, fields, ids, updatedAfter }: ResolvedFilter,
  nowMs: number,
): Filter<ThreadDocument> {
  const [first, ...others] = fields.map(matchField);
  return {
    kind: "thread",
    // Not every server looks for an index inside of a condition that combines others.
    ...first,
    ...(others.length > 0 && { $and: others }),
    ...(status === undefined ? matchLiving(fields) : matchStatus(status, nowMs)),
    ...(ids !== undefined && { thread_id: ids.length === 0 ? { $in: [] } : oneOf(ids) }),
    ...(updatedAfter !== undefined && { updated_at: { $gt: updatedAfter } }),
  };
}

/** Threads that are not deleted: those that are have neither fields nor times. */
function matchLiving(fields: readonly FieldCondition[]): Filter<ThreadDocument> {
  return fields.length > 0 ? {} : { updated_at: { $gte: new Date(0) } };
}

function matchStatus(status: ThreadStatus, nowMs: number): Filter<ThreadDocument> {
  const isExpired = status === "expired";
  const code = isExpired ? { $gte: 0 } : toCode(status);
  return { "standing.code": code, ...matchExpired(isExpired, nowMs) };
}

function matchField(condition: FieldCondition): Filter<ThreadDocument> {
  // Of a list, one item has to lie between both bounds.
  return { fields: typeof condition === "string" ? condition : { $elemMatch: condition } };
}
