import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import { createKey } from "../archive/keys.ts";
import { decompress, hasZstd } from "../archive/compression.ts";
import { openArchive } from "../archive/read-archive.ts";
import { Envelope } from "../archive/sealed-archive.ts";
import { removeCopies } from "../archive/remove-copies.ts";
import { restoreThread as restore } from "../archive/restore-thread.ts";
import type { ArchiveStore } from "../archive-store/archive-store.ts";
import type { SaverContext } from "../context/context.ts";
import { reachStorage } from "../context/reach-saver.ts";
import type { StoredStanding, ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import {
  beginLeaving,
  isLeaving,
  isToStay,
  keepStub,
  removeLeft,
  sendAway,
} from "../store/away-thread.ts";
import { ConflictDeadline } from "../store/conflict-rounds.ts";
import { findIndexed } from "../store/search-records.ts";
import { endHold, isOverdue } from "../store/thread-hold.ts";
import { isAlive, isExtending, readHold } from "../store/thread-record.ts";
import { searchThreads } from "../thread-index/search-threads.ts";
import { refreshThread } from "../threads/prepare-thread.ts";
import { verifyThread } from "../upkeep/verify-thread.ts";
import { ArchiveWriting } from "./export-thread.ts";

/** Options of {@link archiveThreads}. */
export interface ArchiveOptions {
  /**
   * Only threads of which nothing was stored for so many days, by the thread index. May be a fraction.
   *
   * @default undefined: whatever their age, but then `threadIds` has to be given
   */
  readonly olderThanDays?: number | undefined;
  /**
   * Only these threads.
   *
   * @default undefined: all
   */
  readonly threadIds?: readonly string[] | undefined;
  /**
   * At most so many threads.
   *
   * @default undefined: all
   */
  readonly limit?: number | undefined;
  /**
   * Whether only to say which threads would be moved.
   *
   * @default false
   */
  readonly dryRun?: boolean | undefined;
  /** Ends the call between two threads. */
  readonly signal?: AbortSignal | undefined;
  /** Is called after each thread. */
  readonly onProgress?: ((progress: ArchivingProgress) => void) | undefined;
}

/** How far archiving has come. */
export interface ArchivingProgress {
  /** Threads that were moved. */
  readonly archived: number;
  /** Threads that stayed. */
  readonly skipped: number;
  /** Bytes that the archive store got. */
  readonly bytes: number;
  /** The thread that was last looked at. */
  readonly threadId: string;
}

/** Why a thread stayed: see {@link SkippedThread}. */
export type SkipReason = "not-found" | "in-use" | "damaged" | "not-migrated" | "archived";

/** A thread that stayed where it is. */
export interface SkippedThread {
  /** The thread. */
  readonly threadId: string;
  /**
   * - `"not-found"`: nothing of it is here, or it has expired.
   * - `"in-use"`: something was written to it meanwhile, another process is archiving it, a worker has its lease, or
   *   a rollback of it has not ended.
   * - `"damaged"`: `verifyThread` says what is wrong with it.
   * - `"not-migrated"`: a part of it is in the official saver's collections. Migrate it first.
   * - `"archived"`: it is in the archive store already.
   */
  readonly reason: SkipReason;
}

/** What archiving did. */
export interface ArchiveResult {
  /** The threads that were moved; with `dryRun`, those that would be. */
  readonly archived: readonly string[];
  /** Threads that stayed though they were old enough, or named. */
  readonly skipped: readonly SkippedThread[];
  /** Bytes that the archive store got. */
  readonly bytes: number;
}

const DAY_MS = 86_400_000;

const optionsSchema = z.strictObject({
  olderThanDays: z.number().nonnegative().max(36_500).optional(),
  threadIds: z.array(z.string()).optional(),
  limit: z.number().int().positive().optional(),
  dryRun: z.boolean().default(false),
  signal: z.instanceof(AbortSignal, { error: "an AbortSignal" }).optional(),
  onProgress: z
    .custom<(progress: ArchivingProgress) => void>((value) => typeof value === "function", {
      error: "a function that takes the progress",
    })
    .optional(),
});

type CheckedArchive = z.output<typeof optionsSchema>;

/** Threads that a search finds at once. */
const PAGE = 100;

/**
 * Moves threads to the saver's archive store, one after the other. Of a moved thread, its record and one small
 * checkpoint stay in the database. So searches still find it, and it comes back when it is used.
 *
 * A thread is verified, copied, the copy is read back, and only then removed here. Wherever that is interrupted,
 * one whole copy is in force. A thread that is written to meanwhile stays.
 *
 * @throws InvalidOptionsError if the saver has no archive store, or an option is wrong
 */
export async function archiveThreads(
  saver: MongoDBSaver,
  options: ArchiveOptions,
): Promise<ArchiveResult> {
  const checked = checkOptions("archiveThreads", optionsSchema, options);
  const ids = checked.threadIds?.map(parseThreadId);
  if (ids === undefined && checked.olderThanDays === undefined) {
    throw new InvalidOptionsError(
      "Invalid options of archiveThreads:\n  olderThanDays: expected a number of days, since no threadIds are " +
        "given, got nothing",
    );
  }
  return reachStorage(saver, "archiveThreads", async (context) => {
    const { archive } = context.settings;
    if (archive === undefined) {
      throw new InvalidOptionsError(
        "archiveThreads needs a saver with the option archive: where the threads are to go.",
      );
    }
    const archived: string[] = [];
    const skipped: SkippedThread[] = [];
    let bytes = 0;
    for await (const threadId of findOld(context, ids, checked)) {
      checked.signal?.throwIfAborted();
      const deadline = new ConflictDeadline(context.settings.retry.deadlineMs);
      const outcome = await archiveThread(
        { ...context, deadline },
        archive,
        threadId,
        checked.dryRun,
      );
      if (typeof outcome === "string") {
        skipped.push({ threadId, reason: outcome });
      } else {
        archived.push(threadId);
        bytes += outcome.bytes;
      }
      const progress = { archived: archived.length, skipped: skipped.length, bytes, threadId };
      checked.onProgress?.(progress);
      if (archived.length === checked.limit) break;
    }
    return { archived, skipped, bytes };
  });
}

/**
 * Brings a thread back from the archive store before it is used.
 *
 * @returns false if it is not there
 * @throws ThreadArchivedError if the saver has no archive store
 * @throws InvalidArchiveError if its copy is missing or damaged; the thread stays in the archive store
 */
export async function restoreThread(saver: MongoDBSaver, threadId: string): Promise<boolean> {
  const id = parseThreadId(threadId);
  return reachStorage(saver, "restoreThread", (context) => restore(context, id));
}

async function* findOld(
  context: SaverContext,
  ids: readonly string[] | undefined,
  { olderThanDays }: CheckedArchive,
): AsyncGenerator<string> {
  const nowMs = await context.store.askTime();
  const before = olderThanDays === undefined ? undefined : nowMs - olderThanDays * DAY_MS;
  if (ids !== undefined && before === undefined) {
    yield* new Set(ids);
    return;
  }
  let cursor: Awaited<ReturnType<typeof searchThreads>>["cursor"];
  const resolved = { by: "updated_at", isAscending: true, limit: PAGE } as const;
  const none = {
    status: undefined,
    updatedAfter: undefined,
    fields: [],
    fieldNames: [],
    config: [],
    configNames: [],
  } as const;
  // The oldest come first, so the search ends at the first one that is too young.
  let at: { at: Date; threadId: string } | undefined;
  do {
    const page = await searchThreads(context, { ...resolved, ...none, ids, cursor: at });
    for (const { threadId, updatedAt, archivedAt } of page.threads) {
      if (updatedAt === undefined) continue;
      if (updatedAt.getTime() > before!) return;
      if (archivedAt === undefined || ids !== undefined) yield threadId;
    }
    const last = page.threads.at(-1);
    cursor = page.cursor;
    at = last?.updatedAt && { at: last.updatedAt, threadId: last.threadId };
  } while (cursor !== undefined && at !== undefined);
}

async function archiveThread(
  context: SaverContext,
  archive: ArchiveStore,
  threadId: string,
  isDryRun: boolean,
): Promise<SkipReason | { readonly bytes: number }> {
  const { store, official, cache } = context;
  const [found] = await findIndexed(store, [threadId]);
  if (found === undefined) return "not-found";
  let { record } = found;
  if (record.away !== undefined) {
    await removeLeft(store, record);
    return "archived";
  }
  if (!isAlive(record, await store.askTime()) || found.head === undefined) return "not-found";
  if (await official.hasThread(threadId)) return "not-migrated";
  const held = readHold(record);
  if (held !== undefined) {
    if (!(await isOverdue(store, held))) return "in-use";
    // Whoever had the lease has died.
    if (!isDryRun) await endHold(store, threadId, held.token);
  }
  if (isRollingBack(record)) return "in-use";
  if (isDryRun) return { bytes: 0 };
  if (isExtending(record)) {
    // What a process that died has begun is finished first.
    await refreshThread(context, threadId);
    const [again] = await findIndexed(store, [threadId]);
    if (again === undefined || isExtending(again.record)) return "in-use";
    ({ record } = again);
  }
  const key = createKey(threadId);
  if (!(await beginLeaving(store, record, key))) return "in-use";
  try {
    // One that began before the mark. A later one takes the mark off.
    const [marked] = await findIndexed(store, [threadId]);
    if (marked === undefined || isRollingBack(marked.record)) return "in-use";
    const report = await verifyThread(context, threadId);
    if (report.damages.length > 0) return "damaged";
    const copied = await copyWhole(context, archive, threadId, key);
    if (copied === undefined) return (await isLeaving(store, threadId, key)) ? "damaged" : "in-use";
    const { checkpoints, bytes } = copied;
    const away = { key, at: new Date(store.estimateTime()), checkpoints, bytes };
    await keepStub(store, threadId);
    if (!(await sendAway(store, record, away, await readStands(context, record)))) return "in-use";
    cache.forgetThread(threadId);
    await removeLeft(store, { thread_id: threadId, epoch: record.epoch + 1 });
    return { bytes };
  } finally {
    if (await isToStay(store, record)) {
      // Whoever opens the thread takes the mark off, as a writer would.
      cache.forgetThread(threadId);
      await refreshThread(context, threadId);
    }
    await removeCopies(context, threadId, { isEnding: false });
  }
}

/** Whether a rollback has still to discard what came after it. If its process died, a sweep does that. */
function isRollingBack({ rollbacks = {} }: ThreadDocument): boolean {
  return Object.values(rollbacks).some(({ discarding }) => discarding !== undefined);
}

/** @returns undefined if something of the thread is missing, which may have changed meanwhile */
async function copyWhole(
  ...args: Parameters<typeof copy>
): Promise<Awaited<ReturnType<typeof copy>> | undefined> {
  try {
    return await copy(...args);
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}

/** Copies a thread, and reads the copy back. */
async function copy(
  context: SaverContext,
  archive: ArchiveStore,
  threadId: string,
  key: string,
): Promise<{ readonly bytes: number; readonly checkpoints: number }> {
  const compression = hasZstd() ? "zstd" : "gzip";
  const writing = new ArchiveWriting(context, threadId, { compression });
  await archive.put(key, writing.chunks());
  const { bytes, checkpoints } = writing.result;
  const stored = await archive.get(key);
  if (stored === undefined) throw new InvalidArchiveError(`the archive store did not keep ${key}`);
  const envelope = new Envelope(context.store.encryption, stored);
  const chunks = decompress(envelope.open());
  try {
    const { header, documents } = await openArchive(context, envelope, chunks);
    let read = 0;
    for await (const { kind } of documents) if (kind === "checkpoint") read += 1;
    if (header.thread_id !== threadId || read !== checkpoints) {
      throw new InvalidArchiveError(`the archive store did not keep ${key} as it was put`);
    }
  } finally {
    await chunks.return(undefined);
  }
  return { bytes, checkpoints };
}

/** Where the thread stands, for as long as it is away. */
async function readStands(
  { store }: SaverContext,
  { thread_id: threadId, created_at: createdAt }: ThreadDocument,
): Promise<StoredStanding> {
  const [now] = await findIndexed(store, [threadId]);
  const at = createdAt ?? new Date(store.estimateTime());
  return now?.head?.stands ?? now?.record.stands ?? { code: 0, at };
}
