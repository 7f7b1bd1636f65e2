import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A search with a query would have to compare too many items. Nothing was returned. */
export class SearchTooWideError extends ThreadkeepError {
  /** The errors of this class have the code `SEARCH_TOO_WIDE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["SEARCH_TOO_WIDE"];
  /** `"SearchTooWideError"`, also in minified code. */
  override readonly name: string = "SearchTooWideError";

  /** How many items may be compared. */
  readonly maxItems: number;

  /**
   * @param prefix the namespace that was searched
   * @param maxItems how many items may be compared
   * @param advice further ways out, as the end of a sentence; may be empty
   */
  constructor(prefix: readonly string[], maxItems: number, advice: string) {
    super(
      "SEARCH_TOO_WIDE",
      `The search with a query below the namespace ${JSON.stringify(prefix)} would have to compare ` +
        `more than ${maxItems} items. Narrow it down by a longer prefix or a filter${advice}.`,
    );
    this.maxItems = maxItems;
  }
}
