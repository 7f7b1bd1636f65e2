import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { FindCursor } from "mongodb";
import { isDeepStrictEqual } from "node:util";
import type { AddressFilter } from "../address/address.ts";
import type { CheckpointDocument, ThreadDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import {
  bytesToHex,
  findRecords,
  findWrites,
  listCheckpoints,
  PAGE_SIZE,
  type Collections,
  type ListQuery,
} from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findMigratedSends } from "./get-tuple.ts";
import { keepLiving, unlessGone } from "./lives.ts";
import { listWanted, readTuple, type StoredTuple } from "./read-tuple.ts";
import { toConditions } from "./searchable-metadata.ts";

/** What to list, checked. */
export interface ListRequest {
  readonly address: AddressFilter;
  readonly beforeId: string | undefined;
  readonly limit: number | undefined;
  readonly filter: NonNullable<CheckpointListOptions["filter"]>;
}

/**
 * Lists checkpoints, newest first, page by page: each page takes one command for the checkpoints,
 * one for their pending writes and one for the segments that are not in memory. One more is for the
 * records of threads that are met for the first time.
 *
 * @throws CorruptCheckpointError on reaching one that is not as it was written
 */
export async function* listTuples(
  context: SaverContext,
  { address, beforeId, limit, filter }: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  if (limit === 0) return;
  const entries = Object.entries(filter);
  const conditions = context.serializer.isNative ? toConditions(filter) : {};
  const query = {
    address,
    beforeId,
    metadata: conditions,
    // With a filter, a page may hold checkpoints that turn out not to match.
    limit: entries.length === 0 ? limit : undefined,
  };
  let left = limit ?? Infinity;
  for await (const page of readPages(context.collections, query)) {
    for await (const tuple of readPage(context, page, entries)) {
      yield tuple;
      left -= 1;
      if (left === 0) return;
    }
  }
}

/** Reads the checkpoints that are alive, page by page. */
async function* readPages(
  collections: Collections,
  query: ListQuery,
): AsyncGenerator<readonly CheckpointDocument[]> {
  const seen = new Set<string>();
  const records = new Map<string, ThreadDocument>();
  let hasDropped = false;
  for (const limit of query.limit === undefined ? [undefined] : [query.limit, undefined]) {
    for await (const page of cutPages(listCheckpoints(collections, { ...query, limit }))) {
      const fresh = page.filter(({ _id }) => !seen.has(bytesToHex(_id)));
      for (const { _id } of fresh) if (query.limit !== undefined) seen.add(bytesToHex(_id));
      // A list is of the lives that the threads are in when it comes to them.
      const threadIds = fresh.map(({ thread_id }) => thread_id);
      const unknown = [...new Set(threadIds)].filter((threadId) => !records.has(threadId));
      for (const [threadId, record] of await findRecords(collections, unknown)) {
        records.set(threadId, record);
      }
      const living = await keepLiving(collections, fresh, records);
      if (living.length < fresh.length) hasDropped = true;
      yield living;
    }
    // What was dropped has taken the place of others that the limit left out.
    if (!hasDropped) return;
  }
}

async function* cutPages(
  cursor: FindCursor<CheckpointDocument>,
): AsyncGenerator<CheckpointDocument[]> {
  let page: CheckpointDocument[] = [];
  try {
    for await (const document of cursor) {
      page.push(document);
      if (page.length === PAGE_SIZE) {
        yield page;
        page = [];
      }
    }
    if (page.length > 0) yield page;
  } finally {
    await cursor.close();
  }
}

async function* readPage(
  context: SaverContext,
  page: readonly CheckpointDocument[],
  filter: readonly [string, unknown][],
): AsyncGenerator<CheckpointTuple> {
  const { collections, cache, hasher, serializer } = context;
  const matching: { document: CheckpointDocument; record: CheckpointRecord }[] = [];
  for (const document of page) {
    await passOver(context, document, async () => {
      const record = readRecord(document, hasher);
      const metadata = await serializer.decode(record.metadata, "checkpoint's metadata");
      if (matches(metadata, filter)) matching.push({ document, record });
    });
  }
  const documents = matching.map(({ document }) => document);
  const writes = Map.groupBy(await findWrites(collections, documents), (write) =>
    bytesToHex(write.checkpoint),
  );
  const tuples: { document: CheckpointDocument; stored: StoredTuple }[] = [];
  for (const { document, record } of matching) {
    const stored = {
      record,
      writes: (writes.get(bytesToHex(document._id)) ?? []).filter(
        ({ epoch = 0 }) => epoch === record.epoch,
      ),
      migratedSends: await findMigratedSends(context, record),
    };
    tuples.push({ document, stored });
  }
  const wanted = tuples.map(({ stored }) => listWanted(stored));
  const contents = await loadContents(collections, cache, wanted);
  for (const { document, stored } of tuples) {
    const tuple = await passOver(context, document, () => readTuple(stored, contents, context));
    if (tuple !== undefined) yield tuple;
  }
}

/** Reads something of a checkpoint; what is damaged or has just gone is passed over. */
async function passOver<T>(
  { collections, settings }: SaverContext,
  document: CheckpointDocument,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const outcome = await unlessGone(collections, document, read);
    return outcome === "gone" ? undefined : outcome;
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error) || settings.onCorruption === "throw") throw error;
    settings.onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return undefined;
  }
}

function matches(metadata: unknown, filter: readonly [string, unknown][]): boolean {
  const found = (metadata ?? {}) as Record<string, unknown>;
  return filter.every(
    ([key, value]) => Object.hasOwn(found, key) && isDeepStrictEqual(found[key], value),
  );
}
