import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** A search with a query would have to compare more items than it may. Nothing was returned. */
export class SearchTooWideError extends ThreadkeepError {
  /** The most items that may be compared. */
  readonly maxItems: number;

  constructor(prefix: readonly string[], maxItems: number, advice: string) {
    super(
      "SEARCH_TOO_WIDE",
      `The search with a query below the namespace ${JSON.stringify(prefix)} would have to compare ` +
        `more than ${maxItems} items. Narrow it down by a longer prefix or a filter${advice}.`,
    );
    this.maxItems = maxItems;
  }

  static override isInstance(value: unknown): value is SearchTooWideError {
    return hasErrorCode(value, "SEARCH_TOO_WIDE");
  }
}
