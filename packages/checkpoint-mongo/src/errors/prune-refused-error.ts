import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A prune would remove a branch that waits for an answer. Nothing was changed. */
export class PruneRefusedError extends ThreadkeepError {
  /** The errors of this class have the code `PRUNE_REFUSED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["PRUNE_REFUSED"];
  /** `"PruneRefusedError"`, also in minified code. */
  override readonly name: string = "PruneRefusedError";

  /** The thread of the branch. */
  readonly threadId: string;
  /** The checkpoint at which the branch waits. */
  readonly checkpointId: string;

  /**
   * @param threadId the thread of the branch
   * @param checkpointId the checkpoint at which the branch waits
   */
  constructor(threadId: string, checkpointId: string) {
    super(
      "PRUNE_REFUSED",
      `Pruning thread "${threadId}" would remove checkpoint ${checkpointId}, at which a branch waits for an ` +
        "answer. Answer it, keep more, or prune with discardWaiting: true.",
    );
    this.threadId = threadId;
    this.checkpointId = checkpointId;
  }
}
