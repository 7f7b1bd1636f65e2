import type { CheckpointListOptions, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { FindCursor } from "mongodb";
import { isDeepStrictEqual } from "node:util";
import type { AddressFilter } from "../address/address.ts";
import { MAX_TEXT_BYTES } from "../codec/checkpoints/checkpoint-text.ts";
import { readPlainLength } from "../codec/bytes/compression.ts";
import { parseSegmentId, type SegmentId } from "../documents/segment-id.ts";
import type { CheckpointDocument, ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { bytesToHex } from "../driver/binary.ts";
import { toPackedBytes } from "../documents/packed-bytes.ts";
import { findRecords } from "../store/thread-record.ts";
import { findWrites, findWritesWithin, groupByPointer } from "../store/find-writes.ts";
import { listCheckpoints, PAGE_SIZE, type ListQuery } from "../store/list-checkpoints.ts";
import { measureDocument } from "../store/measure-document.ts";
import type { Cache } from "./cache.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { ContentSize } from "./content-size.ts";
import { loadContents, type WantedSegments } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findMigratedSends } from "./get-tuple.ts";
import { keepLiving, unlessGone } from "./lives.ts";
import { decodeMetadata, listWanted, readTuple, type StoredTuple } from "./read-tuple.ts";
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
 * records of threads that are met for the first time. Where checkpoints are large, pages and what is
 * loaded of them at once are bounded by `listBufferBytes`.
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
  for await (const page of readPages(context, query)) {
    for await (const tuple of readPage(context, page, entries)) {
      yield tuple;
      left -= 1;
      if (left === 0) return;
    }
  }
}

/** Reads the checkpoints that are alive, page by page. */
async function* readPages(
  { collections, settings }: SaverContext,
  query: ListQuery,
): AsyncGenerator<readonly CheckpointDocument[]> {
  const seen = new Set<string>();
  const records = new Map<string, ThreadDocument>();
  let hasDropped = false;
  for (const limit of query.limit === undefined ? [undefined] : [query.limit, undefined]) {
    const cursor = listCheckpoints(collections, { ...query, limit });
    for await (const page of cutPages(cursor, settings.listBufferBytes)) {
      const fresh = page.filter(({ _id }) => !seen.has(bytesToHex(_id)));
      for (const { _id } of fresh) if (query.limit !== undefined) seen.add(bytesToHex(_id));
      // A list is of the lives that the threads are in when it comes to them.
      const threadIds = fresh.map(({ thread_id }) => thread_id);
      const unknown = [...new Set(threadIds)].filter((threadId) => !records.has(threadId));
      for (const [threadId, record] of await findRecords(collections, unknown)) {
        records.set(threadId, record);
      }
      const living = await keepOrReport(() => keepLiving(collections, fresh, records), settings);
      if (living.length < fresh.length) hasDropped = true;
      yield living;
    }
    // What was dropped has taken the place of others that the limit left out.
    if (!hasDropped) return;
  }
}

/** What a damaged record of a thread hides is passed over too. */
async function keepOrReport(
  keep: () => Promise<readonly CheckpointDocument[]>,
  { onCorruption, onEvent }: SaverContext["settings"],
): Promise<readonly CheckpointDocument[]> {
  try {
    return await keep();
  } catch (error) {
    if (onCorruption === "throw" || !CorruptCheckpointError.isInstance(error)) throw error;
    onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return [];
  }
}

/** Documents as they come, in pages that are bounded in number and bytes. */
async function* cutPages(
  cursor: FindCursor<CheckpointDocument>,
  maxBytes: number,
): AsyncGenerator<CheckpointDocument[]> {
  let page: CheckpointDocument[] = [];
  let pageBytes = 0;
  try {
    for await (const document of cursor) {
      const bytes = measureDocument(document) + measureBody(document);
      if (page.length > 0 && pageBytes + bytes > maxBytes) {
        yield page;
        page = [];
        pageBytes = 0;
      }
      page.push(document);
      pageBytes += bytes;
      if (page.length === PAGE_SIZE || pageBytes >= maxBytes) {
        yield page;
        page = [];
        pageBytes = 0;
      }
    }
    if (page.length > 0) yield page;
  } finally {
    await cursor.close();
  }
}

/** What a checkpoint's text takes unpacked; nothing if it cannot be. */
function measureBody({ body }: CheckpointDocument): number {
  try {
    return Math.min(readPlainLength(toPackedBytes(body)), MAX_TEXT_BYTES);
  } catch {
    return 0;
  }
}

/** A checkpoint that was found to match. */
interface ListedCheckpoint {
  readonly document: CheckpointDocument;
  readonly record: CheckpointRecord;
}

async function* readPage(
  context: SaverContext,
  page: readonly CheckpointDocument[],
  filter: readonly [string, unknown][],
): AsyncGenerator<CheckpointTuple> {
  const { hasher } = context;
  const matching: ListedCheckpoint[] = [];
  for (const document of page) {
    await passOver(context, document, async () => {
      const record = readRecord(document, hasher);
      const metadata = await decodeMetadata(record, context);
      if (matches(metadata, filter)) matching.push({ document, record });
    });
  }
  for await (const group of groupByBytes(context, findStored(context, matching))) {
    const wanted = group.flatMap(({ stored }) => listWanted(stored));
    const contents = await loadContents(context, wanted);
    for (const { document, stored } of group) {
      const tuple = await passOver(context, document, () => readTuple(stored, contents, context));
      if (tuple !== undefined) yield tuple;
    }
  }
}

/** A checkpoint with all that is stored of it but segments. */
interface ListedTuple {
  readonly document: CheckpointDocument;
  readonly stored: StoredTuple;
}

/**
 * Finds what belongs to checkpoints: with one command, or, where pending writes are so large that they
 * would not fit together, with one for each.
 */
async function* findStored(
  context: SaverContext,
  checkpoints: readonly ListedCheckpoint[],
): AsyncGenerator<ListedTuple> {
  const { collections, settings } = context;
  const documents = checkpoints.map(({ document }) => document);
  const sets = await findWritesWithin(collections, documents, settings.listBufferBytes);
  const together = sets && groupByPointer(sets);
  for (const { document, record } of checkpoints) {
    const found =
      together === undefined
        ? await findWrites(collections, [document])
        : (together.get(bytesToHex(document._id)) ?? []);
    const writes = found.filter(({ epoch = 0 }) => epoch === record.epoch);
    const migratedSends = await findMigratedSends(context, record);
    yield { document, stored: { record, writes, migratedSends } };
  }
}

/**
 * What a listing loads before its first checkpoint: a caller may want no more than that one. So small
 * checkpoints come in one command all the same.
 */
const FIRST_BYTES = 1_048_576;

/**
 * Puts checkpoints together as long as what has to be loaded for them is within the bound; what lies in
 * the cache takes no memory once more.
 */
async function* groupByBytes(
  { cache, settings }: SaverContext,
  tuples: AsyncIterable<ListedTuple>,
): AsyncGenerator<readonly ListedTuple[]> {
  let maxBytes = Math.min(FIRST_BYTES, settings.listBufferBytes);
  let group: ListedTuple[] = [];
  let size = new ContentSize();
  for await (const tuple of tuples) {
    const toLoad = listWanted(tuple.stored).map((wanted) => leaveOutCached(cache, wanted));
    const bytes = toLoad.reduce((_, wanted) => size.add(wanted), size.bytes);
    if (group.length > 0 && bytes > maxBytes) {
      yield group;
      maxBytes = settings.listBufferBytes;
      group = [];
      size = new ContentSize();
      for (const wanted of toLoad) size.add(wanted);
    }
    group.push(tuple);
  }
  if (group.length > 0) yield group;
}

function leaveOutCached(
  cache: Cache,
  { address, lines, bytes }: WantedSegments,
): Pick<WantedSegments, "lines" | "bytes"> {
  const isMissing = (id: SegmentId) =>
    cache.peekSegment(address.threadId, parseSegmentId(id).root) === undefined;
  return { lines: lines.filter(isMissing), bytes: bytes.filter(isMissing) };
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
