import type { MongoClient } from "mongodb";
import { z } from "zod";
import { type MongoClientLike, clientOption } from "../options/client-option.ts";
import type { IntegrityOptions } from "../keys/integrity-options.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { checkOptions } from "../options/check-options.ts";
import { crossCheck } from "../options/cross-check.ts";
import { retryOptions, type RetrySettings } from "../options/retry-options.ts";
import {
  allowedObjects,
  collectionName,
  databaseName,
  integrity,
  listener,
  SECRETS,
  wholeNumber,
} from "../options/shared-options.ts";
import { emitWarning, type ReportEvent } from "./events.ts";

/** How a saver stores: all that does not depend on the connection. */
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
   * are only there are read from there.
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
   * `ttl` they always do, as the official saver's.
   *
   * @default false
   */
  enableTimestamps?: boolean | undefined;

  /**
   * Seconds that a thread stays after it was last written to, at least; at most {@link ttlSlack} of it
   * longer. By the server's clock. A thread expires as a whole. The same for all savers on the same
   * threads: each write gives a thread the time that its own saver has.
   *
   * @default undefined: threads stay
   */
  ttl?: number | undefined;

  /**
   * How much longer than its TTL a thread may stay, as a share of it, from 0.1: with 0.5, a thread goes
   * between TTL and 1.5 × TTL after its last write. The expiry of a thread that is written to all the
   * time is moved once every TTL × slack, in all of its documents.
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
   * Seconds between a thread's expiry, from which on it is not returned any more, and the earliest
   * moment the server may delete its documents. Covers reads under way. The same for all savers on the same collections.
   *
   * @default 60
   */
  ttlGraceSeconds?: number | undefined;

  /**
   * Upper bound for what is kept in memory of what was read and written, in bytes: by all savers of
   * the client that name the same bound, together. What is not there is read again.
   *
   * @default 67_108_864 (64 MiB)
   */
  cacheMaxBytes?: number | undefined;

  /**
   * Upper bound for what is unpacked for one checkpoint's state, or for one set of pending writes, in
   * bytes of its encoding. `put` and `putWrites` refuse what is longer, and so does reading, before
   * anything of it is unpacked: damage or a forged document takes no more memory than this. Decoded, a
   * state takes about three times as much. Set it to a fraction of the memory that your process has.
   *
   * @default 536_870_912 (512 MiB, about the longest text that V8 can hold)
   */
  maxContentBytes?: number | undefined;

  /**
   * Upper bound for what `list` has in memory beside its cache and the checkpoint that it returns, in
   * bytes of the encoding. Contents are loaded for as many checkpoints at once as fit, at least for one.
   *
   * @default 16_777_216 (16 MiB)
   */
  listBufferBytes?: number | undefined;

  /**
   * Keyed hashes: with a key, whoever can write to the database but does not have the key cannot
   * change a checkpoint or a pending write without its being noticed. All savers on the same
   * collections need the same keys. A document that was hashed with a key that is not here, or with
   * none, is refused by an `IntegrityKeyError`.
   *
   * To begin with a key where threads are stored already, set `acceptUnkeyed` for as long as those
   * are in use. To change keys, first give all savers the new one as a further entry of `keys`, then
   * make it the `currentKeyId` of all, and drop the old one when no thread of its time is left.
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
   * Ids of further LangChain classes of which objects are stored and read, as their `lc_id` gives them,
   * joined by `/`: `"langchain_core/prompts/prompt/PromptTemplate"`. An object of any other class is
   * refused before anything is stored, and where it is found stored: whoever can write to the database
   * would choose what is made. Python's `load` has `allowed_objects` for this.
   *
   * @default []: messages, chunks, documents and prompt values
   */
  allowedObjects?: readonly string[] | undefined;

  /**
   * What `getTuple` and `list` do on meeting a checkpoint that is not as it was written:
   *
   * - `"throw"` a `CorruptCheckpointError`
   * - `"fall-back"`: `getTuple` returns the newest valid ancestor, `list` leaves the damaged one
   *   out; both report it to `onEvent`
   *
   * @default "throw"
   */
  onCorruption?: CorruptionPolicy | undefined;

  /**
   * Whether `put` and `putWrites` read back and verify what they stored before they return. Costs
   * one or two more commands each.
   *
   * @default false
   */
  verifyAfterSave?: boolean | undefined;

  /**
   * Whether documents name each other, so that the loss of whole ones shows: a checkpoint names the
   * sets of its pending writes, and the thread's record the newest checkpoint of each namespace. With it
   * `getTuple` and `list` notice a set that has gone; `verifyThread` notices also the loss of the newest
   * checkpoints together with their mark, but in the namespaces of single tasks (`node:task`).
   *
   * It takes no command more: an update more in that of `put` and in that of `putWrites`, some 15 bytes
   * a checkpoint and 18 a set of writes. On a server that flushes after each update, turns took 1.3 to
   * 1.4 times as long.
   *
   * @default false
   */
  witness?: boolean | undefined;

  /**
   * Which checkpoints stay when a newer one of their namespace is stored. Every checkpoint is stored
   * before the one it replaces goes, so a thread can be resumed at any time.
   *
   * - `"every"`: all of them, as history that can be listed, forked and gone back to
   * - `"interrupts"`: those at which a task waited for an answer (`interrupt()`); costs a read a put
   * - `"exit"`: none; a namespace has its newest checkpoint only
   *
   * A checkpoint whose parent has gone is stored as one without a parent. Graphs with a
   * `DeltaChannel` keep their history whatever this says, since their state is made of it. Segments
   * that nothing refers to any more are removed by {@link MongoDBSaver.sweep}.
   *
   * @default "every"
   */
  persist?: PersistPolicy | undefined;

  /**
   * Bounds for how large a checkpoint's state may grow: all of its channels as they are encoded, in
   * bytes, without pending writes.
   *
   * @default undefined: no bounds
   */
  onCheckpointSize?: CheckpointSizeLimits | undefined;

  /**
   * Gets what the saver reports beside what its methods return.
   *
   * @default a warning of the process (`process.emitWarning`)
   */
  onEvent?: ReportEvent | undefined;
}

/** What happens when a checkpoint turns out to be damaged. */
export type CorruptionPolicy = "throw" | "fall-back";

/** Which checkpoints stay when a newer one is stored. */
export type PersistPolicy = "every" | "interrupts" | "exit";

/** Bounds for the size of a checkpoint's state, in bytes. */
export interface CheckpointSizeLimits {
  /** Beyond this, an event of type `checkpoint-size` is reported: once in each run that is over it. */
  readonly softLimitBytes?: number | undefined;
  /** Beyond this, `put` reports the event, stores nothing and throws a `CheckpointTooLargeError`. */
  readonly hardLimitBytes?: number | undefined;
}

/** Options of `new MongoDBSaver(…)`. */
export interface MongoDBSaverOptions extends MongoDBSaverSettings {
  /**
   * A client of any copy of the `mongodb` driver, 6.20 or later, mongoose's too
   * (`mongoose.connection.getClient()`). The saver never closes it.
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
  readonly onCheckpointSize: CheckpointSizeLimits | undefined;
  readonly retry: { readonly deadlineMs: number };
  readonly operationTimeoutMs: number;
  readonly onEvent: ReportEvent;
}

/** Checked options: settings with the client and the keys. */
export interface ResolvedOptions extends SaverSettings {
  readonly client: MongoClient;
  readonly keys: KeyRing;
}

const OWNER = "MongoDBSaver";

/** A hundred years. What lies too far ahead is no date. */
const MAX_TTL_SECONDS = 100 * 365 * 24 * 60 * 60;

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
    allowedObjects,
    onCorruption: z.enum(["throw", "fall-back"]).default("throw"),
    verifyAfterSave: z.boolean().default(false),
    witness: z.boolean().default(false),
    persist: z.enum(["every", "interrupts", "exit"]).default("every"),
    onCheckpointSize: z
      .strictObject({
        softLimitBytes: wholeNumber.positive().optional(),
        hardLimitBytes: wholeNumber.positive().optional(),
      })
      .optional(),
    ...retryOptions,
    onEvent: listener<ReportEvent>(),
  })
  .refine(
    ({ ttl, ttlRefreshOnRead }) => !ttlRefreshOnRead || ttl !== undefined,
    crossCheck("ttlRefreshOnRead", "false, since there is no ttl to refresh (set ttl too)"),
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
    onCheckpointSize,
    onEvent,
    ...rest
  } = checkOptions(OWNER, optionsSchema, options, SECRETS);
  return {
    ...rest,
    enableTimestamps: rest.enableTimestamps || ttl !== undefined,
    dbName,
    ttl,
    onCheckpointSize,
    keys: new KeyRing(keys),
    onEvent: onEvent ?? emitWarning,
  };
}
