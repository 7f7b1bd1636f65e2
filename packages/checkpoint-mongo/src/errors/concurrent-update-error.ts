import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** What was expected to be the latest checkpoint, and what was found. */
export interface ConcurrentUpdate {
  /** The thread. */
  readonly threadId: string;
  /** The namespace. */
  readonly checkpointNs: string;
  /** The parent of the refused checkpoint; undefined if it has none. */
  readonly expected: string | undefined;
  /** The latest checkpoint; undefined if there is none. */
  readonly found: string | undefined;
}

/**
 * Another writer has put a checkpoint since this one's parent was read. Nothing of this one was stored. Only with the
 * option `concurrency: "reject"`, and from `update`.
 */
export class ConcurrentUpdateError extends ThreadkeepError {
  /** The errors of this class have the code `CONCURRENT_UPDATE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CONCURRENT_UPDATE"];
  /** `"ConcurrentUpdateError"`, also in minified code. */
  override readonly name: string = "ConcurrentUpdateError";

  /** The thread. */
  readonly threadId: string;
  /** The namespace. */
  readonly checkpointNs: string;
  /** The parent of the refused checkpoint; undefined if it has none. */
  readonly expected: string | undefined;
  /** The latest checkpoint; undefined if there is none. */
  readonly found: string | undefined;

  /** @param update what was expected, and what was found */
  constructor({ threadId, checkpointNs, expected, found }: ConcurrentUpdate) {
    const place = `thread "${threadId}"${checkpointNs === "" ? "" : `, namespace "${checkpointNs}"`}`;
    super(
      "CONCURRENT_UPDATE",
      `A checkpoint of ${place} was refused: it continues ${expected ?? "an empty thread"}, but the latest ` +
        `checkpoint is ${found ?? "none"}. Nothing was stored. Read the latest one and do the step again.`,
    );
    this.threadId = threadId;
    this.checkpointNs = checkpointNs;
    this.expected = expected;
    this.found = found;
  }
}
