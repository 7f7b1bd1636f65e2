import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** How much of a checkpoint one channel takes. */
export interface ChannelSize {
  /** The name of the channel. */
  readonly channel: string;
  /** Bytes of its encoded value. */
  readonly bytes: number;
}

/**
 * The state of a checkpoint is larger than the saver's `onCheckpointSize` or `maxContentBytes` allows.
 * A `put` stored nothing; a read loaded nothing.
 */
export class CheckpointTooLargeError extends ThreadkeepError {
  /** The errors of this class have the code `CHECKPOINT_TOO_LARGE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CHECKPOINT_TOO_LARGE"];
  /** `"CheckpointTooLargeError"`, also in minified code. */
  override readonly name: string = "CheckpointTooLargeError";

  /** The thread of the checkpoint. */
  readonly threadId: string;
  /** The namespace of the checkpoint. */
  readonly checkpointNs: string;
  /** The checkpoint that is too large. */
  readonly checkpointId: string;
  /** Bytes of the encoded state, or of the part that the message names. */
  readonly bytes: number;
  /** Bytes that it may take. */
  readonly limitBytes: number;
  /** The largest channels, at most five, the largest first. */
  readonly largestChannels: readonly ChannelSize[];

  /**
   * @param address the checkpoint that is too large
   * @param size how large it is, and what sets the limit
   */
  constructor(
    address: {
      readonly threadId: string;
      readonly checkpointNs: string;
      readonly checkpointId: string;
    },
    size: {
      readonly bytes: number;
      readonly limitBytes: number;
      readonly largestChannels: readonly ChannelSize[];
      /** The option that sets the limit; undefined if no option does. */
      readonly exceeds: "onCheckpointSize" | "maxContentBytes" | undefined;
      /** What was not done. */
      readonly refused: "stored" | "loaded";
      /** The part that takes so much. By default the whole checkpoint. */
      readonly what?: string;
    },
  ) {
    const { bytes, limitBytes, largestChannels, exceeds, refused, what } = size;
    const largest = largestChannels
      .map(({ channel, bytes: own }) => `${JSON.stringify(channel)} ${own}`)
      .join(", ");
    const limit = exceeds === undefined ? limitBytes : `${limitBytes} (${exceeds})`;
    const channels = largest === "" ? "" : ` Its largest channels: ${largest}.`;
    const raise = exceeds === undefined ? "" : ", or raise the limit";
    const part = what === undefined ? "" : `: ${what}`;
    super(
      "CHECKPOINT_TOO_LARGE",
      `Checkpoint ${address.checkpointId} of thread "${address.threadId}"${part} takes ${bytes} bytes, ` +
        `more than the limit of ${limit}.${channels} Nothing was ${refused}. Keep large things out of ` +
        `the state, trim or summarise what grows${raise}.`,
    );
    this.threadId = address.threadId;
    this.checkpointNs = address.checkpointNs;
    this.checkpointId = address.checkpointId;
    this.bytes = bytes;
    this.limitBytes = limitBytes;
    this.largestChannels = largestChannels;
  }
}
