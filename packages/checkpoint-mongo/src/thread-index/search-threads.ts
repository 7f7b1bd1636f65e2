import type { Filter } from "mongodb";
import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { fromCode, toCode } from "../records/standing.ts";
import { assertRecord } from "../store/assert-record.ts";
import { oneOf } from "../store/one-of.ts";
import {
  findRootHeads,
  matchExpired,
  searchRecords,
  type RootHead,
} from "../store/search-records.ts";
import { findRecords, isOver, readState } from "../store/thread-record.ts";
import { writeCursor } from "./cursor.ts";
import { settle, settleMoving } from "./derive-standing.ts";
import { readThreadMetadata } from "./metadata.ts";
import type { FieldCondition, ResolvedFilter, ResolvedSearch } from "./search-options.ts";
import type { ThreadPage, ThreadSummary } from "./thread.ts";

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
  const found = await summarize(context, records, nowMs);
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

/** What is known of threads from their records, and from the latest checkpoints of their root graphs. */
export async function summarize(
  context: SearchContext,
  records: readonly ThreadDocument[],
  nowMs: number,
): Promise<readonly ThreadSummary[]> {
  const { store } = context;
  const sound = records.filter((record) => isSoundOrReported(context, record));
  const heads = await findRootHeads(store, sound);
  const outdated = sound.filter(({ thread_id, standing }) => {
    return (heads.get(thread_id)?.seq ?? 0) !== standing?.seq;
  });
  for (const record of outdated) await settle(context, record);
  const settled = await findRecords(
    store,
    outdated.map(({ thread_id }) => thread_id),
  );
  return sound.map((record) => {
    const current = settled.get(record.thread_id) ?? record;
    return toSummary(current, heads.get(record.thread_id), nowMs);
  });
}

function toSummary(
  record: ThreadDocument,
  head: RootHead | undefined,
  nowMs: number,
): ThreadSummary {
  const step = head?.metadata?.["step"];
  return {
    threadId: record.thread_id,
    status: isOver(record, nowMs) ? "expired" : fromCode(record.standing?.code ?? 0),
    createdAt: record.created_at,
    updatedAt: record.updated_at,
    expiresAt: readState(record).expiresAt,
    metadata: readThreadMetadata(record.metadata),
    checkpointId: head?.checkpoint_id,
    step: typeof step === "number" ? step : undefined,
  };
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
  const isExpired = status === "expired";
  // A deleted thread has no standing.
  const code = status === undefined || isExpired ? { $gte: 0 } : toCode(status);
  return {
    kind: "thread",
    "standing.code": code,
    ...(status !== undefined && matchExpired(isExpired, nowMs)),
    ...(ids !== undefined && { thread_id: ids.length === 0 ? { $in: [] } : oneOf(ids) }),
    ...(updatedAfter !== undefined && { updated_at: { $gt: updatedAfter } }),
    ...(fields.length > 0 && { $and: fields.map(matchField) }),
  };
}

function matchField(condition: FieldCondition): Filter<ThreadDocument> {
  if ("k" in condition) return { fields: condition };
  const { from, to } = condition;
  const bounds = {
    [from.isIncluded ? "$gte" : "$gt"]: from.field,
    [to.isIncluded ? "$lte" : "$lt"]: to.field,
  };
  // Of a list, one item has to lie between both.
  return { fields: { $elemMatch: bounds } };
}
