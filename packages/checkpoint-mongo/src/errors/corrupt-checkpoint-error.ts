import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** Which stored document failed verification, and how. */
export interface Corruption {
  /** What kind of document it is. */
  readonly document: "checkpoint" | "segment" | "write" | "thread";
  /** Which one, for example a segment's id or a checkpoint's address. */
  readonly which: string;
  /** The field that is not as it was written, where one alone is to blame. */
  readonly field?: string;
  /** What was expected: a hash, or a property such as `to exist`. */
  readonly expected: string;
  /** What was found instead. */
  readonly found: string;
}

/** Where the damage was met. Damage to what all of a thread shares belongs to no one checkpoint. */
export interface DamagedAddress {
  readonly threadId: string;
  readonly checkpointNs?: string | undefined;
  readonly checkpointId?: string | undefined;
}

/** What is stored differs from what was written. Nothing of it was returned. */
export class CorruptCheckpointError extends ThreadkeepError {
  readonly threadId: string;
  /** Undefined if the damage belongs to no one namespace. */
  readonly checkpointNs: string | undefined;
  /** Undefined if the damage belongs to no one checkpoint. */
  readonly checkpointId: string | undefined;
  readonly corruption: Corruption;

  /** @param options.advice what to do about it; by default to resume from an earlier checkpoint */
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

  static override isInstance(value: unknown): value is CorruptCheckpointError {
    return hasErrorCode(value, "CORRUPT_CHECKPOINT");
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
