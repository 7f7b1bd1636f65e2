import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** Which stored document failed verification, and how. */
export interface Corruption {
  /** What kind of document it is. */
  readonly document: "checkpoint" | "segment" | "write";
  /** Which one, for example a segment's id or a checkpoint's address. */
  readonly which: string;
  /** What was expected: a hash, or a property such as `to exist`. */
  readonly expected: string;
  /** What was found instead. */
  readonly found: string;
}

/** What is stored differs from what was written. Nothing of it was returned. */
export class CorruptCheckpointError extends ThreadkeepError {
  readonly threadId: string;
  readonly checkpointNs: string;
  readonly checkpointId: string;
  readonly corruption: Corruption;

  constructor(
    address: {
      readonly threadId: string;
      readonly checkpointNs: string;
      readonly checkpointId: string;
    },
    corruption: Corruption,
    options?: ErrorOptions,
  ) {
    const namespace = address.checkpointNs === "" ? "" : ` (namespace "${address.checkpointNs}")`;
    const { document, which, expected, found } = corruption;
    super(
      "CORRUPT_CHECKPOINT",
      `Checkpoint ${address.checkpointId} of thread "${address.threadId}"${namespace} is corrupt: ` +
        `${document} ${which}: expected ${expected}, found ${found}. It was not returned. Resume ` +
        "from an earlier checkpoint of the thread by passing its checkpoint_id.",
      options,
    );
    this.threadId = address.threadId;
    this.checkpointNs = address.checkpointNs;
    this.checkpointId = address.checkpointId;
    this.corruption = corruption;
  }

  static override isInstance(value: unknown): value is CorruptCheckpointError {
    return hasErrorCode(value, "CORRUPT_CHECKPOINT");
  }
}
