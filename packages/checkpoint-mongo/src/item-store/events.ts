/** The server has no vector search: queries are compared with all items in this process. */
export interface ExactSearchEvent {
  /** Tells events apart. */
  readonly type: "exact-search";
  /** The collection, with its database. */
  readonly collection: string;
  /** How many items a query may be compared with. */
  readonly maxItems: number;
  /** The error of the server for the vector search index. */
  readonly cause: unknown;
}

/** An event that a store reports; told apart by `type`. */
export type StoreEvent = ExactSearchEvent;

/** A function that gets the events of a store. */
export type ReportStoreEvent = (event: StoreEvent) => void;

/** Reports an event as a warning of the process, as Node.js prints them. */
export function emitStoreWarning({ collection, maxItems }: StoreEvent): void {
  process.emitWarning(
    `The server has no vector search. Queries on ${collection} are compared with the embeddings of ` +
      `up to ${maxItems} items in this process.`,
    { type: "ThreadkeepWarning", code: "EXACT_SEARCH" },
  );
}
