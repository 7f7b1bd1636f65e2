import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { FindCursor } from "mongodb";
import { readPlainLength } from "../codec/bytes/compression.ts";
import { MAX_TEXT_BYTES } from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, ThreadDocument } from "../documents/documents.ts";
import { type SegmentId, parseSegmentId } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import type { Cache } from "../memory/cache.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { type MetadataFilter, matchesMetadata } from "../records/matches-metadata.ts";
import { listTokens } from "../records/search-tokens.ts";
import {
  meetsOrigin,
  sealFilter,
  splitFilter,
  type OriginCondition,
  type SplitFilter,
} from "../records/origin-filter.ts";
import { toConditions } from "../records/searchable-metadata.ts";
import { bytesToHex } from "../driver/binary.ts";
import { toPackedBytes } from "../documents/packed-bytes.ts";
import { assertHere } from "../store/away-thread.ts";
import { findWrites, findWritesWithin, groupByPointer } from "../store/find-writes.ts";
import { type ListQuery, PAGE_SIZE, listCheckpoints } from "../store/list-checkpoints.ts";
import type { ListedAddress } from "../store/match-listed.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { findRecords } from "../store/thread-record.ts";
import { keepLiving, unlessGone } from "../threads/lives.ts";
import { ContentSize } from "./content-size.ts";
import { loadContents, type WantedSegments } from "./contents.ts";
import { findMigratedSends } from "./get-tuple.ts";
import { decodeMetadata, listWanted, readTuple, type StoredTuple } from "./read-tuple.ts";

/** What to list, checked. */
export interface ListRequest extends ListedAddress {
  /** At most so many; undefined for all. */
  readonly limit: number | undefined;
  readonly filter: MetadataFilter;
}

/**
 * Lists checkpoints, newest first: this saver's, then those that the official saver stored, which are
 * older.
 *
 * @throws CorruptCheckpointError on reaching one that is not as it was written
 */
export async function* listTuples(
  context: SaverContext,
  request: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  let left = request.limit ?? Infinity;
  if (left === 0) return;
  // What was migrated is here, and stays there until it is dropped.
  let seen: Set<string> | undefined = new Set();
  for (const list of [listOwn, listOfficial]) {
    for await (const tuple of list(context, request)) {
      const place = formatPlace(tuple);
      if (seen?.has(place)) continue;
      yield tuple;
      left -= 1;
      if (left === 0) return;
      if (list === listOwn) seen?.add(place);
      // A short list need not ask for the other collections.
      if (seen?.size === MANY && !(await context.official.isThere())) seen = undefined;
    }
  }
}

/** A list that is longer remembers what it has returned only where the official saver has stored something. */
const MANY = 1_000;

function formatPlace({ config }: CheckpointTuple): string {
  const { thread_id, checkpoint_ns, checkpoint_id } = { ...config.configurable };
  return JSON.stringify([thread_id, checkpoint_ns, checkpoint_id]);
}

async function* listOfficial(
  { official }: SaverContext,
  { filter, ...listed }: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  for await (const tuple of official.list(listed)) {
    if (matchesMetadata(tuple.metadata, filter)) yield tuple;
  }
}

/**
 * Lists this saver's checkpoints page by page: each page takes one command for the checkpoints, one
 * for their pending writes and one for the segments that are not in memory. One more is for the
 * records of threads that are met for the first time. Where checkpoints are large, pages and what is
 * loaded of them at once are bounded by `listBufferBytes`.
 */
async function* listOwn(
  context: SaverContext,
  { address, beforeId, limit, filter }: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  const isFiltered = Object.keys(filter).length > 0;
  const { encryption } = context.store;
  const plain = splitFilter(filter, context.settings.indexedConfig);
  const split = encryption === undefined ? plain : sealFilter(plain, encryption);
  const query = {
    address,
    beforeId,
    ...askServer(context, split),
    // With a filter, a page may hold checkpoints that turn out not to match.
    limit: isFiltered ? undefined : limit,
  };
  for await (const page of readPages(context, query)) yield* readPage(context, page, split);
}

/** What of a filter the server can tell. The rest is compared after reading. */
function askServer(
  { serializer, store: { encryption } }: SaverContext,
  { metadata, origin }: SplitFilter,
): Pick<ListQuery, "metadata" | "tokens" | "alternatives"> {
  if (!serializer.isNative) return { metadata: {}, tokens: [], alternatives: [] };
  const alternatives = (
    stored: OriginCondition["stored"],
    others: readonly Record<string, unknown>[],
  ): readonly Record<string, unknown>[] => (stored === undefined ? others : [stored, ...others]);
  const toPaths = (conditions: Readonly<Record<string, unknown>>): Record<string, unknown>[] =>
    Object.entries(conditions).map(([path, wanted]) => ({ [`metadata.${path}`]: { $eq: wanted } }));
  if (encryption === undefined) {
    return {
      metadata: toConditions(metadata),
      tokens: [],
      alternatives: origin.map(({ key, value, stored }) =>
        alternatives(stored, toPaths(toConditions({ [key]: value }))),
      ),
    };
  }
  return {
    metadata: {},
    tokens: listTokens(metadata, encryption),
    alternatives: origin.map(({ key, value, stored }) => {
      const others = listTokens({ [key]: value }, encryption).map((token) => ({ tokens: token }));
      // Unless the server can be asked for each alternative, it is asked for none.
      return others.length === 0 ? [] : alternatives(stored, others);
    }),
  };
}

/** Reads the checkpoints that are alive, page by page. */
async function* readPages(
  { store, settings }: SaverContext,
  query: ListQuery,
): AsyncGenerator<readonly CheckpointDocument[]> {
  const seen = new Set<string>();
  const records = new Map<string, ThreadDocument>();
  let hasDropped = false;
  for (const limit of query.limit === undefined ? [undefined] : [query.limit, undefined]) {
    const cursor = listCheckpoints(store, { ...query, limit });
    for await (const page of cutPages(cursor, settings.listBufferBytes)) {
      const fresh = page.filter(({ _id }) => !seen.has(bytesToHex(_id)));
      for (const { _id } of fresh) if (query.limit !== undefined) seen.add(bytesToHex(_id));
      // A list shows the life that each thread is in when the list reaches it.
      const threadIds = fresh.map(({ thread_id }) => thread_id);
      const unknown = [...new Set(threadIds)].filter((threadId) => !records.has(threadId));
      for (const [threadId, record] of await findRecords(store, unknown)) {
        // A list of all threads leaves those out that are in the archive store.
        if (threadId === query.address.threadId) assertHere(record);
        records.set(threadId, record);
      }
      const living = await keepOrReport(() => keepLiving(store, fresh, records), settings);
      if (living.length < fresh.length) hasDropped = true;
      yield living;
    }
    // Checkpoints that were left out took places within the limit, so others are missing.
    if (!hasDropped) return;
  }
}

/** Checkpoints that a damaged record hides are passed over too. */
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
  filter: SplitFilter,
): AsyncGenerator<CheckpointTuple> {
  const { hasher } = context;
  const matching: ListedCheckpoint[] = [];
  for (const document of page) {
    await passOver(context, document, async () => {
      const record = readRecord(document, hasher);
      const metadata = await decodeMetadata(record, context);
      const isMet =
        matchesMetadata(metadata, filter.metadata) &&
        filter.origin.every((one) => meetsOrigin(one, record.origin, metadata));
      if (isMet) matching.push({ document, record });
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
 * Finds what belongs to checkpoints: with one command, or with one for each if their pending writes are
 * too large to be loaded together.
 */
async function* findStored(
  context: SaverContext,
  checkpoints: readonly ListedCheckpoint[],
): AsyncGenerator<ListedTuple> {
  const { store, settings } = context;
  const documents = checkpoints.map(({ document }) => document);
  const sets = await findWritesWithin(store, documents, settings.listBufferBytes);
  const together = sets && groupByPointer(sets);
  for (const { document, record } of checkpoints) {
    const found =
      together === undefined
        ? await findWrites(store, [document])
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

/** Reads something of a checkpoint; what is damaged or was just removed is passed over. */
async function passOver<T>(
  { store, settings }: SaverContext,
  document: CheckpointDocument,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const outcome = await unlessGone(store, document, read);
    return outcome === "gone" ? undefined : outcome;
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error) || settings.onCorruption === "throw") throw error;
    settings.onEvent({ type: "fall-back", error, returnedCheckpointId: undefined });
    return undefined;
  }
}
