import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import {
  BaseStore,
  InvalidNamespaceError,
  type Operation,
  type OperationResults,
  type PutOperation,
} from "@langchain/langgraph-checkpoint";
import { MongoClient, type Collection, type Db } from "mongodb";
import { explainRefusal } from "../driver/explain-refusal.ts";
import { openCollection, openDatabase } from "../driver/open-database.ts";
import { RetryPolicy } from "../driver/retry-policy.ts";
import { guardConnection, requireOptions } from "../options/guard-connection.ts";
import { embedPuts, embedQuery } from "./embed.ts";
import { getItems } from "./get-items.ts";
import { checkNamespace } from "./item-address.ts";
import type { ItemDocument } from "./item-document.ts";
import { assertValueLoadable } from "./item-value.ts";
import { listNamespaces } from "./list-namespaces.ts";
import type { EmbedQuery } from "./nearest.ts";
import { readOperation } from "./operations.ts";
import {
  resolveStoreOptions,
  type IndexConfig,
  type MongoDBStoreParams,
  type MongoDBStoreSettings,
  type ResolvedStoreOptions,
  type TTLConfig,
} from "./options.ts";
import { planRounds, type Round } from "./plan-rounds.ts";
import { putItems, type Vectors } from "./put-items.ts";
import { searchItems } from "./search-items.ts";
import type { StoreContext } from "./store-context.ts";
import { StoreSetup } from "./store-setup.ts";

/** Options of a put beyond LangGraph's contract. */
export interface PutOptions {
  /**
   * Seconds until the item expires. With null it does not expire.
   *
   * @default the store's `ttl.defaultTtl`
   */
  ttl?: number | null | undefined;
}

/** A put in {@link MongoDBStore.batch} with its own TTL. */
export interface PutWithTtlOperation extends PutOperation, PutOptions {}

/**
 * A LangGraph.js store on MongoDB: values by namespace and key, searched by filter and by meaning. It keeps
 * items like `@langchain/langgraph-checkpoint-mongodb`, in the same collection, so both can run side by side.
 *
 * @example
 * ```ts
 * const client = new MongoClient(process.env.MONGODB_URI);
 * const store = new MongoDBStore({ client, dbName: "agents" });
 * await store.put(["users", "42"], "profile", { name: "Ada" });
 * const agent = createAgent({ model, tools, store });
 * ```
 */
export class MongoDBStore extends BaseStore {
  // What is protected is what subclasses of the official store use.

  /** The client given, or the one that {@link MongoDBStore.fromConnString} made. */
  protected client: MongoClient;

  /** The store's database, with its own decoding options, read concern and write concern. */
  protected db: Db;

  /** The collection of the items. */
  protected collectionName: string;

  /** Whether items carry the time of their storage. */
  protected enableTimestamps: boolean;

  /** When items expire; undefined if they stay. */
  protected ttl?: TTLConfig | undefined;

  /** Embeds values and queries; undefined if the server does, or nobody. */
  protected embeddings?: EmbeddingsInterface | undefined;

  /** The vector search; undefined if there is none. */
  protected indexConfig?: IndexConfig | undefined;

  /** Whether the store made its client itself, and so closes it. */
  protected ownsClient = false;

  private readonly options: ResolvedStoreOptions;
  private readonly items: Collection<ItemDocument>;
  private readonly setup: StoreSetup;

  /**
   * Creates a store on the user's client. Nothing is read or written before the first call.
   *
   * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
   */
  constructor(params: MongoDBStoreParams) {
    super();
    const options = resolveStoreOptions(params);
    options.client.appendMetadata?.({ name: "threadkeep" });
    this.options = options;
    this.client = options.client;
    const { client, dbName, retry, operationTimeoutMs } = options;
    const limits = { deadlineMs: retry.deadlineMs, operationTimeoutMs };
    this.db = openDatabase(client, dbName, new RetryPolicy(limits));
    this.collectionName = options.collectionName;
    this.enableTimestamps = options.enableTimestamps;
    this.ttl = options.ttl;
    this.embeddings = options.embeddings;
    this.indexConfig = options.indexConfig;
    this.items = openCollection(this.db, options.collectionName);
    this.setup = new StoreSetup(this.db, this.items, options);
  }

  /**
   * Creates a store with its own connection, which {@link MongoDBStore.stop} closes, and starts it.
   *
   * @param connString a MongoDB connection string
   * @throws InvalidOptionsError if options are wrong, missing or unknown, or the connection string is
   *   malformed
   * @throws SetupError if an index cannot be created
   */
  static async fromConnString(
    connString: string,
    params: MongoDBStoreSettings = {},
  ): Promise<MongoDBStore> {
    const settings = requireOptions("MongoDBStore", params);
    const client = guardConnection(
      "MongoDBStore",
      connString,
      undefined,
      () => new MongoClient(connString),
    );
    try {
      const store = new MongoDBStore({ ...settings, client });
      store.ownsClient = true;
      await store.start();
      return store;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /**
   * Creates the indexes of the collection. May be called at every start and by many processes at once. It does
   * not have to be called: the first use of a collection through a client does the same.
   *
   * It always asks the server: after the collection was dropped, call it before the next use.
   *
   * @throws SetupError if an index cannot be created
   */
  override async start(): Promise<void> {
    this.setup.forget();
    await reach("start", () => this.open());
  }

  /** Closes the connection if the store opened it. A client that was passed in stays open. */
  override async stop(): Promise<void> {
    if (this.ownsClient) await this.client.close();
  }

  /** The same as {@link MongoDBStore.stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Stores an item, or replaces it.
   *
   * @param index what is embedded: `false` for nothing, or paths of fields; by default what the store's
   *   `indexConfig` says
   * @throws InvalidNamespaceError if a label of the namespace is not valid
   * @throws InvalidAddressError if the key is not a string, or empty
   * @throws UnserializableStateError if the value could not come back as it is; nothing was stored
   * @throws WriteConflictError if other writers of the item were faster at every attempt
   */
  override async put(
    namespace: string[],
    key: string,
    // oxlint-disable-next-line typescript/no-explicit-any -- LangGraph's contract
    value: Record<string, any>,
    index?: false | string[],
    options: PutOptions = {},
  ): Promise<void> {
    if (options.ttl === undefined) return super.put(namespace, key, value, index);
    if (checkNamespace(namespace, { allowEmpty: false })[0] === "langgraph") {
      throw new InvalidNamespaceError(
        `Root label for namespace cannot be "langgraph". Got: ${namespace.join(",")}`,
      );
    }
    const put: PutWithTtlOperation = { namespace, key, value, ttl: options.ttl };
    await this.batch([index === undefined ? put : { ...put, index }]);
  }

  /**
   * Does operations as if one after the other. All gets are one command and all puts another one; only a read
   * that an earlier put of the batch could change needs further commands. If an item is put several times, the
   * last put counts.
   *
   * Everything is checked, encoded and embedded before anything is stored.
   *
   * @throws InvalidNamespaceError, InvalidAddressError, InvalidOptionsError,
   *   UnserializableStateError if an operation is not valid; nothing was stored
   * @throws SearchTooWideError if a query would be compared with too many items
   */
  override async batch<Op extends readonly Operation[]>(
    operations: Op,
  ): Promise<OperationResults<Op>> {
    // Before the first await: the caller may change its objects right after the call.
    const rounds = planRounds(Array.from(operations, readOperation));
    const results: unknown[] = Array.from({ length: operations.length });
    const puts = rounds.flatMap((round) => round.puts);
    for (const { value } of puts)
      if (value !== undefined) await assertValueLoadable(value, this.options.allowedObjects);
    const vectors = await embedPuts(this.options, puts);
    await reach("batch", async () => {
      const context = await this.open();
      const embed = this.makeEmbedQuery();
      for (const round of rounds) await doRound(context, round, { vectors, embed, results });
    });
    return results as OperationResults<Op>;
  }

  /** Embeds each query once for a whole batch. */
  private makeEmbedQuery(): EmbedQuery {
    const { embeddings, indexConfig } = this.options;
    const embedded = new Map<string, Promise<readonly number[]>>();
    return (query) => {
      const known = embedded.get(query);
      if (known !== undefined) return known;
      const vector = embedQuery(embeddings!, indexConfig!, query);
      embedded.set(query, vector);
      return vector;
    };
  }

  private async open(): Promise<StoreContext> {
    const { items, options, setup } = this;
    return {
      items,
      options,
      vectorSearch: await setup.do(),
      ensureExpiryIndex: () => setup.ensureExpiryIndex(),
    };
  }
}

/** Runs something that uses the database. Errors of the driver become errors of this package. */
async function reach<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explainRefusal(error, `${name} of MongoDBStore`);
  }
}

async function doRound(
  context: StoreContext,
  { gets, searches, lists, puts }: Round,
  {
    vectors,
    embed,
    results,
  }: { readonly vectors: Vectors; readonly embed: EmbedQuery; readonly results: unknown[] },
): Promise<void> {
  await Promise.all([
    getItems(
      context,
      gets.map(({ request }) => request),
    ).then((items) => {
      for (const [index, item] of items.entries()) results[gets[index]!.place] = item;
    }),
    ...searches.map(async ({ place, request }) => {
      results[place] = await searchItems(context, request, embed);
    }),
    ...lists.map(async ({ place, request }) => {
      results[place] = await listNamespaces(context, request);
    }),
  ]);
  if (puts.length > 0) await putItems(context, puts, vectors);
}
