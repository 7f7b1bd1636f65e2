import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/**
 * A value in the graph's state cannot be stored so that it comes back as it was: a function, a
 * symbol, a cycle, a throwing `toJSON`. Nothing of the checkpoint or the write set was stored.
 */
export class UnserializableStateError extends ThreadkeepError {
  /** The channel (or `metadata`) that holds the value. */
  readonly channel: string;
  /** Where in the channel the value stands, for example `messages[3].additional_kwargs.onDone`. */
  readonly path: string;

  constructor(channel: string, path: string, reason: string, options?: ErrorOptions) {
    super(
      "UNSERIALIZABLE_STATE",
      `Cannot store ${path} (channel "${channel}"): ${reason} ` +
        "Nothing was stored. Keep such a value out of the graph's state, or store what it stands for.",
      options,
    );
    this.channel = channel;
    this.path = path;
  }

  static override isInstance(value: unknown): value is UnserializableStateError {
    return hasErrorCode(value, "UNSERIALIZABLE_STATE");
  }
}
