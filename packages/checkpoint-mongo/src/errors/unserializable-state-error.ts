import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A value in the graph's state could not be read back as it is: a function, a symbol, a cycle, a
 * `toJSON` that throws. Nothing of the checkpoint or of the pending writes was stored.
 */
export class UnserializableStateError extends ThreadkeepError {
  /** The errors of this class have the code `UNSERIALIZABLE_STATE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["UNSERIALIZABLE_STATE"];
  /** `"UnserializableStateError"`, also in minified code. */
  override readonly name: string = "UnserializableStateError";

  /** The channel (or `metadata`) that holds the value. */
  readonly channel: string;
  /** Where in the channel the value stands, for example `messages[3].additional_kwargs.onDone`. */
  readonly path: string;

  /**
   * @param channel the channel that holds the value, or `metadata`
   * @param path where in the channel the value stands
   * @param reason what is wrong with it, as a sentence
   */
  constructor(channel: string, path: string, reason: string, options?: ErrorOptions) {
    super(
      "UNSERIALIZABLE_STATE",
      `Cannot store ${path} (channel "${channel}"): ${reason} ` +
        "Nothing was stored. Keep such a value out of the graph's state, or store plain data instead.",
      options,
    );
    this.channel = channel;
    this.path = path;
  }
}
