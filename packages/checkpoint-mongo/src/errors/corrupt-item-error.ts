import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** What is stored of an item's value differs from what was written. Nothing of it was returned. */
export class CorruptItemError extends ThreadkeepError {
  readonly namespace: readonly string[];
  readonly key: string;

  constructor(namespace: readonly string[], key: string, options?: ErrorOptions) {
    super(
      "CORRUPT_ITEM",
      `The item ${JSON.stringify(key)} of the namespace ${JSON.stringify(namespace)} is corrupt: the ` +
        "text that its value is kept as is not what was written. It was not returned. Put it again, " +
        "or delete it.",
      options,
    );
    this.namespace = namespace;
    this.key = key;
  }

  static override isInstance(value: unknown): value is CorruptItemError {
    return hasErrorCode(value, "CORRUPT_ITEM");
  }
}
