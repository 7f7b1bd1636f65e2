/** There is no vector search on the server: queries are compared with every item in the process. */
export interface ExactSearchEvent {
  readonly type: "exact-search";
  /** The collection, with its database. */
  readonly collection: string;
  /** The most items a query may have to be compared with. */
  readonly maxItems: number;
  /** What the server said to a vector search index. */
  readonly cause: unknown;
}

/** What a store reports beside what its methods return; told apart by `type`. */
export type StoreEvent = ExactSearchEvent;

/** Where a store reports to. */
export type ReportStoreEvent = (event: StoreEvent) => void;

/** Reports an event as a warning of the process, as Node.js prints them. */
export function emitStoreWarning({ collection, maxItems }: StoreEvent): void {
  process.emitWarning(
    `The server has no vector search. Queries on ${collection} are compared with the embeddings of ` +
      `up to ${maxItems} items in this process.`,
    { type: "ThreadkeepWarning", code: "EXACT_SEARCH" },
  );
}
