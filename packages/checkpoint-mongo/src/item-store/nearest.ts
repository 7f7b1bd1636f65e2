import type { ItemDocument } from "./item-document.ts";
import type { SearchRequest } from "./operations.ts";

/** Embeds a query. In a batch, each query is embedded only once. */
export type EmbedQuery = (query: string) => Promise<readonly number[]>;

/** A search with a query. */
export type QueryRequest = SearchRequest & { readonly query: string };

/** An item and how well it fits the query. */
export interface Nearest {
  readonly document: ItemDocument;
  readonly score: number;
}
