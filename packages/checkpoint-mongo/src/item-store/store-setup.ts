import type { Collection, Db } from "mongodb";
import { OncePerClient } from "../driver/once-per-client.ts";
import { PerClient } from "../driver/per-client.ts";
import { ensureExpiryIndex, ensureItemIndexes, ensureSearchIndex } from "./ensure-store-indexes.ts";
import type { ReportStoreEvent } from "./events.ts";
import type { ItemDocument } from "./item-document.ts";
import type { ResolvedStoreOptions } from "./options.ts";
import type { VectorSearchMode } from "./store-context.ts";

const itemIndexes = new OncePerClient<void>();
const expiryIndexes = new OncePerClient<void>();
const searchIndexes = new OncePerClient<VectorSearchMode>();

/** The listeners that know already that queries of a collection are answered in this process. */
const informed = new PerClient<WeakSet<ReportStoreEvent>>();

/** Sets up the collection of a store, unless another store of the same client has done so. */
export class StoreSetup {
  readonly #db: Db;
  readonly #items: Collection<ItemDocument>;
  readonly #options: ResolvedStoreOptions;
  readonly #searchKey: string;

  constructor(db: Db, items: Collection<ItemDocument>, options: ResolvedStoreOptions) {
    this.#db = db;
    this.#items = items;
    this.#options = options;
    const embedsItself = options.embeddings !== undefined;
    this.#searchKey = JSON.stringify([items.namespace, options.indexConfig, embedsItself]);
  }

  /**
   * Creates the indexes, unless that has been done.
   *
   * @throws SetupError if an index cannot be created
   */
  async do(): Promise<VectorSearchMode> {
    const { client, ttl, onEvent, maxExactSearchItems } = this.#options;
    const { namespace } = this.#items;
    await itemIndexes.do(client, namespace, () => ensureItemIndexes(this.#db, this.#items));
    if (ttl !== undefined) await this.ensureExpiryIndex();
    const mode = await searchIndexes.do(client, this.#searchKey, () =>
      ensureSearchIndex(this.#items, this.#options),
    );
    const listeners = informed.get(client, this.#searchKey, () => new WeakSet());
    if (mode.by === "process" && !listeners.has(onEvent)) {
      listeners.add(onEvent);
      onEvent({
        type: "exact-search",
        collection: namespace,
        maxItems: maxExactSearchItems,
        cause: mode.cause,
      });
    }
    return mode;
  }

  /**
   * Creates the index by which the server removes expired items, unless that has been done.
   *
   * @throws SetupError if it cannot be created
   */
  ensureExpiryIndex(): Promise<void> {
    const { client } = this.#options;
    return expiryIndexes.do(client, this.#items.namespace, () =>
      ensureExpiryIndex(this.#db, this.#items),
    );
  }

  /** Lets the next store do it again. */
  forget(): void {
    const { client } = this.#options;
    itemIndexes.forget(client, this.#items.namespace);
    expiryIndexes.forget(client, this.#items.namespace);
    searchIndexes.forget(client, this.#searchKey);
    informed.forget(client, this.#searchKey);
  }
}
