import type { MongoClient } from "mongodb";
import { z } from "zod";
import type { IntegrityOptions } from "../keys/integrity-options.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { checkOptions } from "../options/check-options.ts";
import { clientOption, type MongoClientLike } from "../options/client-option.ts";
import {
  allowedObjects,
  collectionName,
  databaseName,
  integrity,
  listener,
  SECRETS,
  wholeNumber,
} from "../options/shared-options.ts";
import { retryOptions, type RetrySettings } from "../options/retry-options.ts";
import { emitCacheWarning, type ReportCacheEvent } from "./events.ts";

/** The options of a cache, without the client. */
export interface MongoDBCacheSettings extends RetrySettings {
  /**
   * Database name.
   *
   * @default the database of the connection string, else `test`
   */
  dbName?: string | undefined;

  /**
   * The cache's collection is named `{prefix}cache`.
   *
   * @default "threadkeep_"
   */
  collectionPrefix?: string | undefined;

  /**
   * Part of every entry's key. LangGraph makes a key of the node's name and its input, so a node of the same
   * name in another graph, or with changed code, would find the entry. Set this to the application and its
   * version, for example its commit.
   *
   * @default ""
   */
  version?: string | undefined;

  /**
   * Seconds until an entry expires that is stored without a ttl, by a `CachePolicy` that has none.
   *
   * @default undefined: such entries stay until they are evicted
   */
  ttl?: number | undefined;

  /**
   * Bytes that all entries may take together: their compressed values, and 512 bytes for the rest of each.
   * Above this bound the oldest entries are evicted. All caches on the same collection should have the same.
   *
   * The bound is checked at random, on average each time a sixteenth of it is written by all processes
   * together. An eviction goes a sixteenth below it. Between two checks the entries may take more: one check
   * in 3,000 finds more than one and a half times the bound.
   *
   * @default 1_073_741_824 (1 GiB)
   */
  maxBytes?: number | undefined;

  /**
   * The most bytes that the encoding of one value may have. `set` does not store a longer one, and `get` does
   * not unpack one that lies in the collection; both report it. So a forged entry takes no more memory than
   * this.
   *
   * @default 536_870_912 (512 MiB)
   */
  maxContentBytes?: number | undefined;

  /**
   * Keys for the hashes. With a key, nobody who lacks it can change an entry unnoticed. All caches on the same
   * collection need the same keys. An entry that was hashed with another key, or with none, is a miss.
   *
   * @default undefined: plain SHA-256, which shows damage but no forgery
   */
  integrity?: IntegrityOptions | undefined;

  /**
   * Ids of further LangChain classes to store and read: their `lc_id` joined by `/`, for example
   * `"langchain_core/prompts/prompt/PromptTemplate"`. Objects of other classes are refused before anything is
   * stored, and when they are read: otherwise whoever can write to the database could choose which class is
   * instantiated. Python's `load` has `allowed_objects` for this.
   *
   * @default []: messages, chunks, documents and prompt values
   */
  allowedObjects?: readonly string[] | undefined;

  /**
   * Gets the events that the cache reports: entries that could not be stored or read, and a database that
   * could not be reached.
   *
   * @default a warning of the process (`process.emitWarning`)
   */
  onEvent?: ReportCacheEvent | undefined;
}

/** Options of `new MongoDBCache(…)`. */
export interface MongoDBCacheOptions extends MongoDBCacheSettings {
  /**
   * A client of the `mongodb` driver, 6.20 or later, in any copy of it, for example
   * `mongoose.connection.getClient()`. The cache never closes it.
   */
  client: MongoClientLike;
}

/** Checked settings with their defaults. */
export interface ResolvedCacheSettings {
  readonly dbName: string | undefined;
  readonly collectionPrefix: string;
  readonly version: string;
  readonly ttl: number | undefined;
  readonly maxBytes: number;
  readonly maxContentBytes: number;
  readonly keys: KeyRing;
  readonly allowedObjects: ReadonlySet<string>;
  readonly retry: { readonly deadlineMs: number };
  readonly operationTimeoutMs: number;
  readonly onEvent: ReportCacheEvent;
}

/** Checked options: settings with the client. */
export interface ResolvedCacheOptions extends ResolvedCacheSettings {
  readonly client: MongoClient;
}

/** Less would hardly hold one answer of a model. */
const MIN_MAX_BYTES = 65_536;

const OWNER = "MongoDBCache";

const optionsSchema = z.strictObject({
  client: clientOption(OWNER),
  dbName: databaseName,
  collectionPrefix: collectionName.default("threadkeep_"),
  version: z.string().default(""),
  ttl: z.number().positive().optional(),
  maxBytes: wholeNumber.min(MIN_MAX_BYTES).default(1_073_741_824),
  maxContentBytes: wholeNumber.positive().default(536_870_912),
  integrity,
  ...retryOptions,
  allowedObjects,
  onEvent: listener<ReportCacheEvent>(),
});

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveCacheOptions(options: MongoDBCacheOptions): ResolvedCacheOptions {
  const {
    dbName,
    ttl,
    integrity: keys,
    onEvent,
    ...rest
  } = checkOptions(OWNER, optionsSchema, options, SECRETS);
  return { ...rest, dbName, ttl, keys: new KeyRing(keys), onEvent: onEvent ?? emitCacheWarning };
}
