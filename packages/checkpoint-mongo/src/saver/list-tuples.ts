import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { AddressFilter } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/index.ts";
import { binaryToHex, findWrites, listCheckpoints, PAGE_SIZE } from "../store/index.ts";
import { readAddress, readRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findMigratedSends, getTuple } from "./get-tuple.ts";
import { listWanted, MissingSegmentError, readTuple, type StoredTuple } from "./read-tuple.ts";
import { isSearchable } from "./searchable-metadata.ts";
import { isExpired } from "./threads.ts";

/** What to list, checked. */
export interface ListRequest {
  readonly address: AddressFilter;
  readonly beforeId: string | undefined;
  readonly limit: number | undefined;
  readonly filter: NonNullable<CheckpointListOptions["filter"]>;
}

/**
 * Lists checkpoints, newest first, page by page: each page takes one command for the checkpoints,
 * one for their pending writes and one for the segments that are not in memory.
 *
 * @throws CorruptCheckpointError on reaching one that is not as it was written
 */
export async function* listTuples(
  context: SaverContext,
  { address, beforeId, limit, filter }: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  if (limit === 0) return;
  const entries = Object.entries(filter);
  const searchable = context.serializer.isNative
    ? Object.fromEntries(entries.filter(([key, value]) => isSearchable(key, value)))
    : {};
  const cursor = listCheckpoints(context.collections, {
    address,
    beforeId,
    metadata: searchable,
    // With a filter, a page may hold checkpoints that turn out not to match.
    limit: entries.length === 0 ? limit : undefined,
  });
  let left = limit ?? Infinity;
  try {
    for await (const page of readPages(cursor)) {
      for await (const tuple of readPage(context, page)) {
        if (!matches(tuple, entries)) continue;
        yield tuple;
        left -= 1;
        if (left === 0) return;
      }
    }
  } finally {
    await cursor.close();
  }
}

async function* readPages(
  cursor: AsyncIterable<CheckpointDocument>,
): AsyncGenerator<CheckpointDocument[]> {
  let page: CheckpointDocument[] = [];
  for await (const document of cursor) {
    if (isExpired(document.expires_at)) continue;
    page.push(document);
    if (page.length === PAGE_SIZE) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

async function* readPage(
  context: SaverContext,
  page: readonly CheckpointDocument[],
): AsyncGenerator<CheckpointTuple> {
  const { collections, features, cache, serializer } = context;
  const records = page.map(readRecord);
  const writes = Map.groupBy(await findWrites(collections, features, page), (write) =>
    binaryToHex(write.checkpoint),
  );
  const tuples: StoredTuple[] = [];
  for (const [index, record] of records.entries()) {
    tuples.push({
      record,
      writes: writes.get(binaryToHex(page[index]!._id)) ?? [],
      migratedSends: await findMigratedSends(context, record),
    });
  }
  const contents = await loadContents(collections, cache, tuples.map(listWanted));
  for (const [index, stored] of tuples.entries()) {
    try {
      yield await readTuple(stored, contents, serializer);
    } catch (error) {
      if (!(error instanceof MissingSegmentError)) throw error;
      // The thread may just have been deleted or have expired.
      const tuple = await getTuple(context, readAddress(page[index]!));
      if (tuple !== undefined) yield tuple;
    }
  }
}

function matches(tuple: CheckpointTuple, filter: readonly [string, unknown][]): boolean {
  const metadata = (tuple.metadata ?? {}) as Record<string, unknown>;
  return filter.every(
    ([key, value]) => Object.hasOwn(metadata, key) && isDeepStrictEqual(metadata[key], value),
  );
}
