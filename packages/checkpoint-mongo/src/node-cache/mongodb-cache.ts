import {
  BaseCache,
  type CacheFullKey,
  type CacheNamespace,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { MongoClient, type Collection, type Db, type MongoClientOptions } from "mongodb";
import { checkRuntime } from "../codec/bytes/check-runtime.ts";
import { deleteAll } from "../driver/change-many.ts";
import { ensureIndexes } from "../driver/ensure-indexes.ts";
import { explainRefusal } from "../driver/explain-refusal.ts";
import { OncePerClient } from "../driver/once-per-client.ts";
import { DURABLE, openCollection, openDatabase } from "../driver/open-database.ts";
import { RetryPolicy } from "../driver/retry-policy.ts";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { guardConnection, requireOptions } from "../options/guard-connection.ts";
import { bytesToHex } from "../driver/binary.ts";
import { EntryAddresses, type EntryAddress } from "./entry-address.ts";
import { EntryCodec } from "./entry-codec.ts";
import type { EntryDocument, StoredEntry } from "./entry-document.ts";
import type { CacheEvent } from "./events.ts";
import { evictEntries, isTimeToEvict } from "./evict-entries.ts";
import { findEntries } from "./find-entries.ts";
import {
  resolveCacheOptions,
  type MongoDBCacheOptions,
  type MongoDBCacheSettings,
  type ResolvedCacheSettings,
} from "./options.ts";
import { saveEntries, type EntryToSave } from "./save-entries.ts";

/** The size limit of a document, without what an entry has beside its data. */
const MAX_DATA_BYTES = 16_777_216 - 16_384;

/** About 8,000 years. A longer time never ends. */
const MAX_TTL_SECONDS = 250_000_000_000;

/** The collections that have been set up, for all caches of a client. */
const setups = new OncePerClient<void>();

/** A value to cache, as LangGraph hands it over. */
interface Pair<V> {
  readonly key: CacheFullKey;
  readonly value: V;
  readonly ttl?: number;
}

/**
 * A LangGraph.js cache on MongoDB: all processes share the results of nodes with a `cachePolicy`. `get` and
 * `set` take one command each, for any number of keys.
 *
 * A cache never breaks a run. LangGraph does not wait for `set`, so an error thrown there would end the
 * process. Values that cannot be stored, damaged entries and a failing database are reported to `onEvent`
 * instead, and the node runs. Only `setup`, `clear` and arguments of the wrong type throw.
 *
 * @example
 * ```ts
 * const cache = new MongoDBCache({ client, dbName: "agents", ttl: 3_600 });
 * const graph = new StateGraph(State)
 *   .addNode("embed", embed, { cachePolicy: { ttl: 86_400 } })
 *   .addEdge(START, "embed")
 *   .compile({ cache });
 * ```
 */
export class MongoDBCache<V = unknown> extends BaseCache<V> {
  private readonly settings: ResolvedCacheSettings;
  private readonly client: MongoClient;
  private readonly db: Db;
  private readonly collection: Collection;
  private readonly addresses: EntryAddresses;
  private readonly codec: EntryCodec;
  private ownedClient: MongoClient | undefined;

  /**
   * Creates a cache on the user's client. Nothing is read or written before the first call.
   *
   * @param serde a serializer for all values, in place of the cache's own encoding
   * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
   */
  constructor(options: MongoDBCacheOptions, serde?: SerializerProtocol) {
    super(serde);
    const { client, ...settings } = resolveCacheOptions(options);
    this.settings = settings;
    this.client = client;
    const { dbName, retry, operationTimeoutMs } = this.settings;
    const limits = { deadlineMs: retry.deadlineMs, operationTimeoutMs };
    this.db = openDatabase(this.client, dbName, new RetryPolicy(limits));
    // If a failover rolls back an entry, its node runs again. So nobody has to wait for a majority.
    this.collection = openCollection(this.db, `${this.settings.collectionPrefix}cache`, {
      readConcern: { level: "local" },
      writeConcern: { w: 1 },
    });
    this.addresses = new EntryAddresses(this.settings.version);
    this.codec = new EntryCodec(serde, this.settings.keys, this.settings);
  }

  /**
   * Creates a cache with its own connection, which {@link MongoDBCache.close} closes.
   *
   * @param uri a MongoDB connection string
   * @throws InvalidOptionsError if options are wrong, missing or unknown, or the connection string is
   *   malformed
   */
  static fromConnString<V = unknown>(
    uri: string,
    options: MongoDBCacheSettings & { clientOptions?: MongoClientOptions } = {},
    serde?: SerializerProtocol,
  ): MongoDBCache<V> {
    const { clientOptions, ...settings } = requireOptions("MongoDBCache", options);
    const client = guardConnection(
      "MongoDBCache",
      uri,
      clientOptions,
      () => new MongoClient(uri, clientOptions),
    );
    const cache = new MongoDBCache<V>({ ...settings, client }, serde);
    cache.ownedClient = client;
    return cache;
  }

  /**
   * Creates the indexes of the collection. May be called at every start and by many processes at once. It does
   * not have to be called: the first use of a collection through a client does the same.
   *
   * It always asks the server: after the collection was dropped, call it before the next use.
   *
   * @throws SetupError if an index cannot be created
   */
  async setup(): Promise<void> {
    setups.forget(this.client, this.collection.namespace);
    await this.reach("setup", () => this.open());
  }

  /** Closes the connection if the cache opened it. A client that was passed in stays open. */
  async close(): Promise<void> {
    await this.ownedClient?.close();
  }

  /** The same as {@link MongoDBCache.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Finds entries that have not expired, in the order of the keys. A key that is given twice is answered once:
   * LangGraph would apply a second answer as further writes of the same task.
   *
   * @throws InvalidAddressError if a namespace is not an array of strings, or a key not a string
   */
  override async get(keys: CacheFullKey[]): Promise<
    {
      /** The namespace and the key, as they were asked for. */
      key: CacheFullKey;
      /** What was set under it. */
      value: V;
    }[]
  > {
    const wanted = new Map<string, { key: CacheFullKey; address: EntryAddress }>();
    for (const [index, key] of checkList(keys, "keys").entries()) {
      const address = this.addresses.parse(key, `keys[${index}]`);
      if (!wanted.has(address.text)) wanted.set(address.text, { key, address });
    }
    if (wanted.size === 0) return [];
    const stored = await this.find([...wanted.values()].map(({ address }) => address.id));
    const hits = await Promise.all(
      Array.from(wanted.values(), async ({ key, address }) => {
        const entry = stored.get(bytesToHex(address.id));
        return entry === undefined ? [] : await this.read(key, address, entry);
      }),
    );
    return hits.flat();
  }

  /**
   * Stores values, or replaces those of the same keys. Values are encoded before this returns its promise (with
   * a serializer of your own, as soon as it reads them), so they may be changed right after. If a key is given
   * twice, the last value counts.
   *
   * @param pairs `ttl` in seconds, by default the cache's own. With 0 or less the entry expires at once
   * @throws InvalidAddressError if a namespace is not an array of strings, or a key not a string; nothing was
   *   stored
   */
  override async set(pairs: { key: CacheFullKey; value: V; ttl?: number }[]): Promise<void> {
    const last = new Map<string, { address: EntryAddress; pair: Pair<V> }>();
    for (const [index, pair] of checkList(pairs, "pairs").entries()) {
      const address = this.addresses.parse(pair?.key, `pairs[${index}].key`);
      last.set(address.text, { address, pair });
    }
    const prepared = await Promise.all(
      Array.from(last.values(), ({ address, pair }) => this.prepare(address, pair)),
    );
    const entries = prepared.filter((entry) => entry !== undefined);
    if (entries.length === 0) return;
    try {
      await this.reach("set", async () => {
        await this.open();
        await saveEntries(this.collection, entries);
      });
    } catch (error) {
      this.report({ type: "cache-failure", operation: "set", error });
      return;
    }
    await this.keepBound(entries);
  }

  /**
   * Deletes the entries of these namespaces (not of namespaces below them) in this cache's version. Without
   * namespaces, all entries of all versions are deleted.
   *
   * @throws InvalidAddressError if a namespace is not an array of strings; nothing was deleted
   */
  override async clear(namespaces: CacheNamespace[] = []): Promise<void> {
    const hashes = checkList(namespaces, "namespaces").map((namespace, index) =>
      this.addresses.hashNamespace(namespace, `namespaces[${index}]`),
    );
    // Only entries: by mistake, the collection may hold other documents.
    const filter = { ns: hashes.length === 0 ? { $exists: true } : { $in: hashes } };
    // Callers rely on it, so it must survive a failover.
    await this.reach("clear", () => deleteAll(this.collection, filter, { writeConcern: DURABLE }));
  }

  private async find(ids: readonly Uint8Array[]): Promise<Map<string, StoredEntry>> {
    try {
      const found = await this.reach("get", async () => {
        await this.open();
        return findEntries(this.collection, ids);
      });
      return new Map(found.map((entry) => [bytesToHex(entry._id as Uint8Array), entry]));
    } catch (error) {
      this.report({ type: "cache-failure", operation: "get", error });
      return new Map();
    }
  }

  /** @returns the hit, or nothing if the entry cannot be read */
  private async read(
    key: CacheFullKey,
    address: EntryAddress,
    entry: StoredEntry,
  ): Promise<{ key: CacheFullKey; value: V }[]> {
    try {
      return [{ key, value: (await this.codec.decode(address, entry)) as V }];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.report({
        type: "unreadable-entry",
        namespace: address.namespace,
        key: address.key,
        reason,
      });
      return [];
    }
  }

  /** @returns undefined if the value cannot be stored */
  private async prepare(address: EntryAddress, pair: Pair<V>): Promise<EntryToSave | undefined> {
    const refuse = (reason: string, error?: unknown): undefined => {
      const { namespace, key } = address;
      this.report({ type: "refused-entry", namespace, key, reason, error });
    };
    let document: EntryDocument;
    let ttlMs: number | undefined;
    try {
      ttlMs = toMilliseconds(pair.ttl ?? this.settings.ttl);
      document = await this.codec.encode(address, pair.value);
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error), error);
    }
    const limit = Math.min(MAX_DATA_BYTES, this.settings.maxBytes);
    if (document.bytes > limit) {
      return refuse(
        `it takes ${document.bytes} bytes, and the most an entry can take is ${limit}.`,
      );
    }
    return { document, ttlMs };
  }

  private async keepBound(written: readonly EntryToSave[]): Promise<void> {
    const { maxBytes } = this.settings;
    const bytes = written.reduce((sum, { document }) => sum + document.bytes, 0);
    if (!isTimeToEvict(bytes, maxBytes)) return;
    try {
      await this.reach("set", () => evictEntries(this.collection, maxBytes));
    } catch (error) {
      this.report({ type: "cache-failure", operation: "evict", error });
    }
  }

  private async open(): Promise<void> {
    checkRuntime();
    const { client, collection } = this;
    await setups.do(client, collection.namespace, () => this.makeIndexes());
  }

  /** Runs something that uses the database. Errors of the driver become errors of this package. */
  private async reach<T>(name: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw explainRefusal(error, `${name} of MongoDBCache`);
    }
  }

  private async makeIndexes(): Promise<void> {
    const indexes = [
      { key: { expires_at: 1 }, name: "expiry", expireAfterSeconds: 0 },
      { key: { ns: 1 }, name: "namespace" },
      // With the sizes, so that an eviction does not read the entries.
      { key: { written_at: 1, _id: 1, bytes: 1 }, name: "eviction" },
    ];
    await ensureIndexes(this.db, this.collection, indexes, { changesExpiry: true });
  }

  /** Reports an event. A listener that throws must not break the run either. */
  private report(event: CacheEvent): void {
    try {
      this.settings.onEvent(event);
    } catch (error) {
      process.emitWarning(`The onEvent of a MongoDBCache threw: ${String(error)}`, {
        type: "ThreadkeepWarning",
      });
    }
  }
}

function checkList<T>(list: T[], field: string): T[] {
  if (!Array.isArray(list)) throw new InvalidAddressError(field, "an array", list);
  return list;
}

/** @throws InvalidOptionsError if the ttl is not a number */
function toMilliseconds(ttlSeconds: unknown): number | undefined {
  if (ttlSeconds === undefined || ttlSeconds === null) return undefined;
  if (typeof ttlSeconds !== "number" || Number.isNaN(ttlSeconds)) {
    throw new InvalidOptionsError(
      `its ttl is no number of seconds but ${typeof ttlSeconds === "number" ? "NaN" : `a ${typeof ttlSeconds}`}.`,
    );
  }
  if (ttlSeconds > MAX_TTL_SECONDS) return undefined;
  return Math.round(Math.max(0, ttlSeconds) * 1_000);
}
