import type { Collection } from "mongodb";
import type { ItemDocument } from "./item-document.ts";
import type { ResolvedStoreOptions } from "./options.ts";

/** What every operation of a store uses. */
export interface StoreContext {
  readonly items: Collection<ItemDocument>;
  readonly options: ResolvedStoreOptions;
  /** How queries are answered. */
  readonly vectorSearch: VectorSearchMode;
  /** Creates the index by which the server removes expired items, unless it exists. */
  ensureExpiryIndex(): Promise<void>;
}

/** Who compares vectors: the server, this process, or nobody. `cause` is the error of the server. */
export type VectorSearchMode =
  | { readonly by: "server"; readonly isReady: () => Promise<boolean> }
  | { readonly by: "process"; readonly cause: unknown }
  | { readonly by: "nobody"; readonly cause: unknown };
