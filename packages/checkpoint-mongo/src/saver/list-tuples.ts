import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { AddressFilter } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import {
  bytesToHex,
  findWrites,
  groupByPointer,
  listCheckpoints,
  PAGE_SIZE,
} from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findMigratedSends, hasGone } from "./get-tuple.ts";
import { decodeMetadata, listWanted, readTuple, type StoredTuple } from "./read-tuple.ts";
import { toConditions } from "./searchable-metadata.ts";
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
  const conditions = context.serializer.isNative ? toConditions(filter) : {};
  const cursor = listCheckpoints(context.collections, {
    address,
    beforeId,
    metadata: conditions,
    // With a filter, a page may hold checkpoints that turn out not to match.
    limit: entries.length === 0 ? limit : undefined,
  });
  let left = limit ?? Infinity;
  try {
    for await (const page of readPages(cursor)) {
      for await (const tuple of readPage(context, page, entries)) {
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
  filter: readonly [string, unknown][],
): AsyncGenerator<CheckpointTuple> {
  const { collections, cache, hasher } = context;
  const matching: { document: CheckpointDocument; record: CheckpointRecord }[] = [];
  for (const document of page) {
    await passOver(context, document, async () => {
      const record = readRecord(document, hasher);
      const metadata = await decodeMetadata(record, context);
      if (matches(metadata, filter)) matching.push({ document, record });
    });
  }
  const documents = matching.map(({ document }) => document);
  const writes = groupByPointer(await findWrites(collections, documents));
  const tuples: { document: CheckpointDocument; stored: StoredTuple }[] = [];
  for (const { document, record } of matching) {
    const stored = {
      record,
      writes: writes.get(bytesToHex(document._id)) ?? [],
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
  context: SaverContext,
  document: CheckpointDocument,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    // A deletion or the server's sweep that runs meanwhile looks like damage.
    if (await hasGone(context, { document })) return undefined;
    if (context.settings.onCorruption === "throw") throw error;
    context.settings.onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return undefined;
  }
}

function matches(metadata: unknown, filter: readonly [string, unknown][]): boolean {
  const found = (metadata ?? {}) as Record<string, unknown>;
  return filter.every(
    ([key, value]) => Object.hasOwn(found, key) && isDeepStrictEqual(found[key], value),
  );
}
