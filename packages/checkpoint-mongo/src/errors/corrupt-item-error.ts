import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** The stored value of an item is not as it was written. Nothing of it was returned. */
export class CorruptItemError extends ThreadkeepError {
  /** The errors of this class have the code `CORRUPT_ITEM`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CORRUPT_ITEM"];
  /** `"CorruptItemError"`, also in minified code. */
  override readonly name: string = "CorruptItemError";

  /** The namespace of the item. */
  readonly namespace: readonly string[];
  /** The key of the item. */
  readonly key: string;

  /**
   * @param namespace the namespace of the item
   * @param key the key of the item
   */
  constructor(namespace: readonly string[], key: string, options?: ErrorOptions) {
    super(
      "CORRUPT_ITEM",
      `The item ${JSON.stringify(key)} of the namespace ${JSON.stringify(namespace)} is corrupt: its ` +
        "stored value is not what was written. It was not returned. Put it again, or delete it.",
      options,
    );
    this.namespace = namespace;
    this.key = key;
  }
}
