import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** A channel and how much of a checkpoint it takes. */
export interface ChannelSize {
  readonly channel: string;
  /** Its value as it is encoded. */
  readonly bytes: number;
}

/**
 * A checkpoint's state is larger than the saver's `onCheckpointSize` or `maxContentBytes` allows. It was
 * not stored, or, if it is there, not loaded.
 */
export class CheckpointTooLargeError extends ThreadkeepError {
  readonly threadId: string;
  readonly checkpointNs: string;
  readonly checkpointId: string;
  readonly bytes: number;
  readonly limitBytes: number;
  /** The largest channels, at most five, the largest first. */
  readonly largestChannels: readonly ChannelSize[];

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
      /** The option that sets the limit, if one does. */
      readonly exceeds: "onCheckpointSize" | "maxContentBytes" | undefined;
      /** What would have had to be done. */
      readonly refused: "stored" | "loaded";
      /** What takes so much. By default the checkpoint. */
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

  static override isInstance(value: unknown): value is CheckpointTooLargeError {
    return hasErrorCode(value, "CHECKPOINT_TOO_LARGE");
  }
}
