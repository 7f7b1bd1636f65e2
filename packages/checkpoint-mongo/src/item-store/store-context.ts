import type { Collection } from "mongodb";
import type { ItemDocument } from "./item-document.ts";
import type { ResolvedStoreOptions } from "./options.ts";

/** What every operation of a store works with. */
export interface StoreContext {
  readonly items: Collection<ItemDocument>;
  readonly options: ResolvedStoreOptions;
  /** How queries are answered. */
  readonly vectorSearch: VectorSearchMode;
  /** Makes the index by which the server removes expired items, where it is not there yet. */
  ensureExpiryIndex(): Promise<void>;
}

/** Who compares vectors: the server, this process, or nobody, and what the server said then. */
export type VectorSearchMode =
  | { readonly by: "server"; readonly isReady: () => Promise<boolean> }
  | { readonly by: "process"; readonly cause: unknown }
  | { readonly by: "nobody"; readonly cause: unknown };
