import type { MongoClient } from "mongodb";
import { z } from "zod";
import type { ArchiveStore } from "../archive-store/archive-store.ts";
import { type MongoClientLike, clientOption } from "../options/client-option.ts";
import type { IntegrityOptions } from "../keys/integrity-options.ts";
import type { EncryptionOptions } from "../keys/encryption-options.ts";
import { resolveEncryption, type EncryptionSettings } from "../keys/encryption-settings.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { checkOptions } from "../options/check-options.ts";
import { crossCheck } from "../options/cross-check.ts";
import { retryOptions, type RetrySettings } from "../options/retry-options.ts";
import {
  allowedObjects,
  collectionName,
  databaseName,
  encryption,
  integrity,
  listener,
  SECRETS,
  wholeNumber,
} from "../options/shared-options.ts";
import type { ReportEvent } from "./events.ts";

/** The options of a saver, without the client. */
export interface MongoDBSaverSettings extends RetrySettings {
  /**
   * Database name.
   *
   * @default the database of the connection string, else `test`
   */
  dbName?: string | undefined;

  /**
   * The saver's own collection is named `{prefix}threads`.
   *
   * @default "threadkeep_"
   */
  collectionPrefix?: string | undefined;

  /**
   * The collection in which `@langchain/langgraph-checkpoint-mongodb` kept checkpoints. Threads that
   * this saver has not stored are read from it.
   *
   * @default "checkpoints"
   */
  checkpointCollectionName?: string | undefined;

  /**
   * The collection in which `@langchain/langgraph-checkpoint-mongodb` kept pending writes.
   *
   * @default "checkpoint_writes"
   */
  checkpointWritesCollectionName?: string | undefined;

  /**
   * Whether checkpoints and pending writes carry the time of their storage in `upserted_at`. With a
   * `ttl` they always do, as in the official saver.
   *
   * @default false
   */
  enableTimestamps?: boolean | undefined;

  /**
   * Seconds that a thread stays after its last write, by the server's clock. It may stay longer, by up to
   * the share that `ttlSlack` gives. A thread expires as a whole. Set the same for all savers on the same
   * threads, because each write gives a thread the time that its own saver has.
   *
   * @default undefined: threads stay
   */
  ttl?: number | undefined;

  /**
   * How much longer than its `ttl` a thread may stay, as a share of it, from 0.1 to 10. With 0.5, a thread
   * expires between 1 and 1.5 times its `ttl` after its last write. More slack means less work: a thread that
   * is written to all the time gets a new expiry, in all of its documents, once in `ttl` × `ttlSlack`.
   *
   * @default 0.5
   */
  ttlSlack?: number | undefined;

  /**
   * Whether reading a thread's latest checkpoint counts like writing to it.
   *
   * @default false
   */
  ttlRefreshOnRead?: boolean | undefined;

  /**
   * Seconds for which the documents of an expired thread stay in the database, so that reads under way can
   * finish. The thread is not returned any more. Set the same for all savers on the same collections.
   *
   * @default 60
   */
  ttlGraceSeconds?: number | undefined;

  /**
   * Bytes of memory for what was read and written lately. All savers of a client with the same bound share
   * this memory. Contents that are not in it are read from the database again.
   *
   * @default 67_108_864 (64 MiB)
   */
  cacheMaxBytes?: number | undefined;

  /**
   * The most bytes that the encoding of one checkpoint's state, or of one set of pending writes, may have.
   * `put` and `putWrites` refuse a longer one. Reads refuse it too, before they unpack it, so a damaged or
   * forged document takes no more memory than this. A decoded state takes about three times as much. Set it
   * to a fraction of your process's memory.
   *
   * @default 536_870_912 (512 MiB, about the longest text that V8 can hold)
   */
  maxContentBytes?: number | undefined;

  /**
   * Bytes of encoded contents that `list` loads at once, beside the cache and the checkpoint that it
   * returns. The contents of as many checkpoints as fit are loaded together, at least of one.
   *
   * @default 16_777_216 (16 MiB)
   */
  listBufferBytes?: number | undefined;

  /**
   * Keys for the hashes. With a key, nobody who lacks it can change a checkpoint or a pending write
   * unnoticed. All savers on the same collections need the same keys. A document that was hashed with
   * another key, or with none, is refused with an `IntegrityKeyError`.
   *
   * To introduce a key where threads are stored already, set `acceptUnkeyed` while those threads are in use.
   * To change the key, first add the new one to `keys` of all savers. Then make it the `currentKeyId` of
   * all. Remove the old one when no thread of its time is left.
   *
   * @example
   * ```ts
   * integrity: { keys: { "2026": oldKey, "2027": newKey }, currentKeyId: "2027" }
   * ```
   *
   * @default undefined: plain SHA-256, which shows damage but no forgery
   */
  integrity?: IntegrityOptions | undefined;

  /**
   * Encrypts what is stored: values, pending writes, metadata, labels. Each thread has a data key of its own, and the
   * keys given here wrap the data keys. All savers on the same collections need the same.
   * [Encryption](https://github.com/threadkeep/threadkeep/blob/main/docs/encryption.md) says what is still seen.
   *
   * @example
   * ```ts
   * encryption: { keys: { "2026": oldKey, "2027": newKey }, currentKeyId: "2027" }
   * ```
   *
   * @default undefined: everything lies in clear text
   */
  encryption?: EncryptionOptions | undefined;

  /**
   * Ids of further LangChain classes to store and read: their `lc_id` joined by `/`, for example
   * `"langchain_core/prompts/prompt/PromptTemplate"`. Objects of other classes are refused before anything
   * is stored, and when they are read: otherwise whoever can write to the database could choose which class
   * is instantiated. Python's `load` has `allowed_objects` for this.
   *
   * @default []: messages, chunks, documents and prompt values
   */
  allowedObjects?: readonly string[] | undefined;

  /**
   * What `getTuple` and `list` do with a checkpoint that is not as it was written:
   *
   * - `"throw"`: they throw a `CorruptCheckpointError`.
   * - `"fall-back"`: `getTuple` returns the newest valid ancestor, and `list` leaves the damaged checkpoint
   *   out. Both report it to `onEvent`.
   *
   * @default "throw"
   */
  onCorruption?: CorruptionPolicy | undefined;

  /**
   * Whether `put` and `putWrites` read back and verify what they stored before they return. This takes
   * one or two more commands for each.
   *
   * @default false
   */
  verifyAfterSave?: boolean | undefined;

  /**
   * Whether documents name each other, so that the loss of a whole document is noticed. A checkpoint names
   * its sets of pending writes, and the thread's record names the newest checkpoint of each namespace.
   * `getTuple` and `list` then notice a lost set of writes. `verifyThread` also notices lost newest
   * checkpoints whatever else was changed, except in the namespaces of single tasks (`node:task`).
   *
   * The commands of `put` and `putWrites` get one more update each, with about 20 bytes for a set of writes. On a server that flushes after each update, turns took 1.3 to 1.4 times as long.
   *
   * @default false
   */
  witness?: boolean | undefined;

  /**
   * Which earlier checkpoints of a namespace stay when a newer one is stored. A checkpoint is always stored
   * before the one it replaces is removed, so a thread can be resumed at any time.
   *
   * - `"every"`: all of them, as a history to list, fork and go back to.
   * - `"interrupts"`: those at which a task waited for an answer (`interrupt()`). Each `put` takes one more
   *   read.
   * - `"exit"`: none. A namespace has only its newest checkpoint.
   *
   * A checkpoint whose parent is no longer there is stored without a parent. Graphs with a `DeltaChannel`
   * always keep their history, because their state is computed from it. {@link MongoDBSaver.sweep} removes
   * the segments that nothing refers to any more.
   *
   * @default "every"
   */
  persist?: PersistPolicy | undefined;

  /**
   * Where archived threads are, for example a `FileArchiveStore` or an `S3ArchiveStore`. A thread that was moved
   * there comes back when it is used: by its latest checkpoint, by one that is named, by a list of its own, or by
   * a write. No command is sent for this while a thread is here or was never written to: a checkpoint that stays
   * behind leads to it.
   *
   * @default undefined: a call that needs an archived thread throws a `ThreadArchivedError`
   */
  archive?: ArchiveStore | undefined;

  /**
   * Prunes each namespace as it grows: the last so many checkpoints stay, with their pending writes, the
   * ancestors that a `DeltaChannel` is made of, and branches that wait for an answer. It is pruned once in 32
   * puts, or once in `keepLast` puts if that is more. So up to that many more are there at times.
   *
   * Once in that many puts, some seven commands are sent. With pruned checkpoints of the root graph, those of the
   * subgraphs that ran as their tasks are removed too. Segments that nothing refers to are swept at every eighth
   * time; {@link MongoDBSaver.sweep} removes those of threads that are not written to any more.
   *
   * If a prune fails, the put does not. The saver reports a `keep-last-failed` event.
   *
   * @default undefined: all checkpoints stay
   */
  keepLast?: number | undefined;

  /**
   * Seconds for which the id of a thread takes no writes after `deleteThread` of this saver, so that a run that
   * still goes on does not bring the thread back: `put` and `putWrites` of all savers then throw a
   * `ThreadDeletedError`. Reads find nothing.
   *
   * @default undefined: the next write begins the thread anew
   */
  deletedThreadSeconds?: number | undefined;

  /**
   * Fields of the config to keep with each checkpoint, for example `["tenant_id"]`, at most 8. Their values are
   * strings, numbers or booleans, in `configurable` or in `metadata` of the config. `threads.search` finds threads
   * by them, and the `filter` of `list` checkpoints. The run's id (`run_id`) is kept without being named here.
   *
   * @default []
   */
  indexedConfig?: readonly string[] | undefined;

  /**
   * What happens to a checkpoint whose parent is not the latest one any more, because another run has put one since:
   *
   * - `"fork"`: it is stored and becomes the latest. The thread has two branches, both whole.
   * - `"reject"`: `put` throws a `ConcurrentUpdateError`, and nothing is stored. That goes for whoever continues an
   *   earlier checkpoint on purpose as well.
   *
   * Set the same for all savers on the same threads.
   *
   * @default "fork", as LangGraph does
   */
  concurrency?: ConcurrencyPolicy | undefined;

  /**
   * Write-behind: `put` and `putWrites` return before anything is stored, and several checkpoints of a thread are
   * stored with one command. A process that is killed loses what is buffered: at most this many checkpoints of each
   * thread, and what was written in the last `maxDelayMs`. What is stored is whole all the same.
   *
   * Errors, interrupts and answers to them are stored at once, with all that comes before. Whatever else is done
   * with a thread, by any saver of the client, stores what is buffered first. So do `flush`, `close` and
   * `await using`. If something cannot be stored, the next call that writes to the thread throws the reason.
   *
   * @default undefined: whatever has returned is stored
   */
  batch?: BatchSettings | undefined;

  /**
   * Limits on the size of a checkpoint's state: the encoding of all its channels, without pending writes.
   *
   * @default undefined: no limits
   */
  onCheckpointSize?: CheckpointSizeLimits | undefined;

  /**
   * A limit on what is stored of a thread, of all its checkpoints and pending writes. The server adds it up with one
   * more command each time an eighth of the limit was written, on average, by all processes together.
   *
   * @default undefined: no limit
   */
  onThreadSize?: ThreadSizeLimits | undefined;

  /**
   * Gets the events that the saver reports: damaged checkpoints that were passed over, checkpoints and threads that
   * are too large, checkpoints that have grown abnormally, and states that could not be restored. See `saver.on`, too.
   *
   * @default a warning of the process (`process.emitWarning`), if nobody listens by `saver.on`
   */
  onEvent?: ReportEvent | undefined;
}

/** What happens when a checkpoint turns out to be damaged; see `onCorruption`. */
export type CorruptionPolicy = "throw" | "fall-back";

/** Which earlier checkpoints stay when a newer one is stored; see `persist`. */
export type PersistPolicy = "every" | "interrupts" | "exit";

/** What happens to a checkpoint that does not continue the latest one; see `concurrency`. */
export type ConcurrencyPolicy = "fork" | "reject";

/** How much is buffered before it is stored; see `batch`. */
export interface BatchSettings {
  /**
   * Checkpoints of one thread.
   *
   * @default 10
   */
  readonly maxCheckpoints?: number | undefined;
  /**
   * Milliseconds since the first call that is buffered. At most 60,000.
   *
   * @default 60_000
   */
  readonly maxDelayMs?: number | undefined;
  /**
   * Bytes in memory, of all threads together. With more, calls wait until something is stored.
   *
   * @default 16_777_216 (16 MiB)
   */
  readonly maxBytes?: number | undefined;
}

/** Checked settings of a batch with their defaults. */
export type BatchLimits = {
  readonly [Name in keyof BatchSettings]-?: number;
};

/** Limits on the size of a checkpoint's state, in bytes. */
export interface CheckpointSizeLimits {
  /**
   * Above this, an event of type `checkpoint-size` is reported, once in each run.
   *
   * @default undefined: no event
   */
  readonly softLimitBytes?: number | undefined;
  /**
   * Above this, `put` stores nothing, reports the event and throws a `CheckpointTooLargeError`.
   *
   * @default undefined: no limit below `maxContentBytes`
   */
  readonly hardLimitBytes?: number | undefined;
}

/** A limit on what is stored of a thread, in bytes. */
export interface ThreadSizeLimits {
  /**
   * Above this, an event of type `thread-size` is reported, and again once the thread is twice as large.
   */
  readonly softLimitBytes: number;
}

/** Options of `new MongoDBSaver(…)`. */
export interface MongoDBSaverOptions extends MongoDBSaverSettings {
  /**
   * A client of the `mongodb` driver, 6.20 or later, in any copy of it, for example
   * `mongoose.connection.getClient()`. The saver never closes it.
   */
  client: MongoClientLike;
}

/** Checked settings with their defaults. */
export interface SaverSettings {
  readonly dbName: string | undefined;
  readonly collectionPrefix: string;
  readonly checkpointCollectionName: string;
  readonly checkpointWritesCollectionName: string;
  readonly enableTimestamps: boolean;
  readonly ttl: number | undefined;
  readonly ttlSlack: number;
  readonly ttlRefreshOnRead: boolean;
  readonly ttlGraceSeconds: number;
  readonly cacheMaxBytes: number;
  readonly allowedObjects: ReadonlySet<string>;
  readonly maxContentBytes: number;
  readonly listBufferBytes: number;
  readonly onCorruption: CorruptionPolicy;
  readonly verifyAfterSave: boolean;
  readonly witness: boolean;
  readonly persist: PersistPolicy;
  readonly archive: ArchiveStore | undefined;
  readonly keepLast: number | undefined;
  readonly deletedThreadSeconds: number | undefined;
  readonly indexedConfig: readonly string[];
  readonly concurrency: ConcurrencyPolicy;
  readonly batch: BatchLimits | undefined;
  readonly onCheckpointSize: CheckpointSizeLimits | undefined;
  readonly onThreadSize: ThreadSizeLimits | undefined;
  readonly retry: { readonly deadlineMs: number };
  readonly operationTimeoutMs: number;
  readonly onEvent: ReportEvent;
}

/** Checked options: settings with the client and the keys. */
export interface ResolvedOptions extends Omit<SaverSettings, "onEvent"> {
  /** As the user gave it. */
  readonly onEvent: ReportEvent | undefined;
  readonly client: MongoClient;
  readonly keys: KeyRing;
  readonly encryption: EncryptionSettings | undefined;
}

const OWNER = "MongoDBSaver";

const ARCHIVE_METHODS = ["put", "get", "delete", "list"] as const;

const archiveStore = z
  .custom<ArchiveStore>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      ARCHIVE_METHODS.every(
        (name) => typeof (value as Record<string, unknown>)[name] === "function",
      ),
    { error: "an archive store, which has put, get, delete and list", abort: false },
  )
  .optional();

/** A hundred years. What lies too far ahead is no date. */
const MAX_TTL_SECONDS = 100 * 365 * 24 * 60 * 60;

/** A put that took longer than this would have to store its segments once more: see the grace of sweeps. */
const MAX_BATCH_DELAY_MS = 60_000;

const optionsSchema = z
  .strictObject({
    client: clientOption(OWNER),
    dbName: databaseName,
    collectionPrefix: collectionName.default("threadkeep_"),
    checkpointCollectionName: collectionName.default("checkpoints"),
    checkpointWritesCollectionName: collectionName.default("checkpoint_writes"),
    enableTimestamps: z.boolean().default(false),
    ttl: z.number().positive().max(MAX_TTL_SECONDS).optional(),
    ttlSlack: z.number().min(0.1).max(10).default(0.5),
    ttlRefreshOnRead: z.boolean().default(false),
    ttlGraceSeconds: wholeNumber.nonnegative().max(86_400).default(60),
    cacheMaxBytes: wholeNumber.positive().default(67_108_864),
    maxContentBytes: wholeNumber.positive().default(536_870_912),
    listBufferBytes: wholeNumber.positive().default(16_777_216),
    integrity,
    encryption,
    allowedObjects,
    onCorruption: z.enum(["throw", "fall-back"]).default("throw"),
    verifyAfterSave: z.boolean().default(false),
    witness: z.boolean().default(false),
    persist: z.enum(["every", "interrupts", "exit"]).default("every"),
    archive: archiveStore,
    keepLast: wholeNumber.positive().optional(),
    deletedThreadSeconds: z.number().positive().max(MAX_TTL_SECONDS).optional(),
    indexedConfig: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z_][\w-]{0,199}$/, "the name of a field, of letters, digits, _ and -"),
      )
      .max(8)
      .default([]),
    concurrency: z.enum(["fork", "reject"]).default("fork"),
    batch: z
      .strictObject({
        maxCheckpoints: wholeNumber.positive().default(10),
        maxDelayMs: wholeNumber.positive().max(MAX_BATCH_DELAY_MS).default(MAX_BATCH_DELAY_MS),
        maxBytes: wholeNumber.positive().default(16_777_216),
      })
      .optional(),
    onCheckpointSize: z
      .strictObject({
        softLimitBytes: wholeNumber.positive().optional(),
        hardLimitBytes: wholeNumber.positive().optional(),
      })
      .optional(),
    onThreadSize: z.strictObject({ softLimitBytes: wholeNumber.positive() }).optional(),
    ...retryOptions,
    onEvent: listener<ReportEvent>(),
  })
  .refine(
    ({ ttl, ttlRefreshOnRead }) => !ttlRefreshOnRead || ttl !== undefined,
    crossCheck("ttlRefreshOnRead", "false, since there is no ttl to refresh (set ttl too)"),
  )
  .refine(
    ({ batch, concurrency }) => batch === undefined || concurrency === "fork",
    crossCheck(
      "batch",
      'undefined, since a call with concurrency "reject" says whether it was stored',
    ),
  )
  .refine(
    ({ batch, persist }) => batch === undefined || persist === "every",
    crossCheck(
      "batch",
      'undefined, since persist reads at each put what is stored (leave persist "every")',
    ),
  )
  .refine(
    ({ batch, verifyAfterSave, witness }) => batch === undefined || !(verifyAfterSave || witness),
    crossCheck(
      "batch",
      "undefined, since verifyAfterSave and witness are about what is stored when a call returns",
    ),
  )
  .refine(
    ({ keepLast, persist }) => keepLast === undefined || persist === "every",
    crossCheck(
      "keepLast",
      'undefined, since persist removes checkpoints itself (leave persist "every")',
    ),
  )
  .refine(
    ({ onCheckpointSize }) => {
      const { softLimitBytes, hardLimitBytes } = onCheckpointSize ?? {};
      const areNumbers = typeof softLimitBytes === "number" && typeof hardLimitBytes === "number";
      return !areNumbers || softLimitBytes <= hardLimitBytes;
    },
    crossCheck("onCheckpointSize.softLimitBytes", "at most hardLimitBytes"),
  );

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveOptions(options: MongoDBSaverOptions): ResolvedOptions {
  const {
    dbName,
    ttl,
    integrity: keys,
    archive,
    encryption: encrypting,
    keepLast,
    deletedThreadSeconds,
    batch,
    onCheckpointSize,
    onThreadSize,
    onEvent,
    ...rest
  } = checkOptions(OWNER, optionsSchema, options, SECRETS);
  return {
    ...rest,
    enableTimestamps: rest.enableTimestamps || ttl !== undefined,
    dbName,
    ttl,
    archive,
    keepLast,
    deletedThreadSeconds,
    batch,
    onCheckpointSize,
    onThreadSize,
    keys: new KeyRing(keys),
    encryption: encrypting && resolveEncryption(encrypting, rest.collectionPrefix),
    onEvent,
  };
}
