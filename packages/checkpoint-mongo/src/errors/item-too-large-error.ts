import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** The value of an item is larger than a document may be. Nothing of its batch was stored. */
export class ItemTooLargeError extends ThreadkeepError {
  /** The errors of this class have the code `ITEM_TOO_LARGE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["ITEM_TOO_LARGE"];
  /** `"ItemTooLargeError"`, also in minified code. */
  override readonly name: string = "ItemTooLargeError";

  /** The namespace of the item. */
  readonly namespace: readonly string[];
  /** The key of the item. */
  readonly key: string;
  /** Bytes that its value takes. */
  readonly bytes: number;
  /** Bytes that it may take. */
  readonly limitBytes: number;

  /**
   * @param item the namespace and the key of the item
   * @param size how much its value takes, and may take
   */
  constructor(
    item: { readonly namespace: readonly string[]; readonly key: string },
    size: { readonly bytes: number; readonly limitBytes: number },
  ) {
    const { namespace, key } = item;
    const { bytes, limitBytes } = size;
    super(
      "ITEM_TOO_LARGE",
      `The item ${JSON.stringify(key)} of the namespace ${JSON.stringify(namespace)} takes ${bytes} bytes, ` +
        `more than the limit of ${limitBytes}. Nothing was stored. Divide it into several items, or keep ` +
        "large things elsewhere and store where they are.",
    );
    this.namespace = namespace;
    this.key = key;
    this.bytes = bytes;
    this.limitBytes = limitBytes;
  }
}
