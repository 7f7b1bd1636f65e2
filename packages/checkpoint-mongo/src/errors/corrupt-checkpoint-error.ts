import type { Corruption } from "./corruption.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Where the damage was met. Without a checkpoint, it is in something that all of a thread shares. */
export interface DamagedAddress {
  /** The thread whose data is damaged. */
  readonly threadId: string;
  /** The namespace of the checkpoint: `""` for the graph itself, else that of a subgraph. */
  readonly checkpointNs?: string | undefined;
  /** The checkpoint that cannot be used. */
  readonly checkpointId?: string | undefined;
}

/**
 * Something stored is not as it was written. Nothing of it was returned.
 *
 * @example
 * ```ts
 * if (CorruptCheckpointError.isInstance(error) && error.corruption.reason === "missing") {
 *   console.error(`${error.corruption.document} ${error.corruption.which} is gone`);
 * }
 * ```
 */
export class CorruptCheckpointError extends ThreadkeepError {
  /** The errors of this class have the code `CORRUPT_CHECKPOINT`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CORRUPT_CHECKPOINT"];
  /** `"CorruptCheckpointError"`, also in minified code. */
  override readonly name: string = "CorruptCheckpointError";

  /** The thread whose data is damaged. */
  readonly threadId: string;
  /** The namespace of the damaged checkpoint; undefined if the damage is not in one namespace. */
  readonly checkpointNs: string | undefined;
  /** The checkpoint that cannot be used; undefined if the damage is not in one checkpoint. */
  readonly checkpointId: string | undefined;
  /** Which document is damaged, and how. */
  readonly corruption: Corruption;

  /**
   * @param address where the damage was met
   * @param corruption which document is damaged, and how
   * @param options.advice what to do about it; by default to resume from an earlier checkpoint
   */
  constructor(
    address: DamagedAddress,
    corruption: Corruption,
    options: ErrorOptions & { readonly advice?: string } = {},
  ) {
    const { threadId, checkpointNs, checkpointId } = address;
    const { advice = RESUME_EARLIER, ...errorOptions } = options;
    const { document, which, field, expected, found } = corruption;
    const part = field === undefined ? "" : `${field}: `;
    super(
      "CORRUPT_CHECKPOINT",
      `${describe(address)} is corrupt: ${document} ${which}: ${part}expected ${expected}, found ` +
        `${found}. ${advice}`,
      errorOptions,
    );
    this.threadId = threadId;
    this.checkpointNs = checkpointNs;
    this.checkpointId = checkpointId;
    this.corruption = corruption;
  }
}

const RESUME_EARLIER =
  "It was not returned. Resume from an earlier checkpoint of the thread by passing its checkpoint_id.";

function describe({ threadId, checkpointNs = "", checkpointId }: DamagedAddress): string {
  const namespace = checkpointNs === "" ? "" : ` (namespace "${checkpointNs}")`;
  return checkpointId === undefined
    ? `Thread "${threadId}"${namespace}`
    : `Checkpoint ${checkpointId} of thread "${threadId}"${namespace}`;
}
