import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A replayed thread did not do what was stored of it. The message says where. */
export class ReplayDiffersError extends ThreadkeepError {
  /** The errors of this class have the code `REPLAY_DIFFERS`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["REPLAY_DIFFERS"];
  /** `"ReplayDiffersError"`, also in minified code. */
  override readonly name: string = "ReplayDiffersError";

  /** @param message what differs */
  constructor(message: string) {
    super("REPLAY_DIFFERS", message);
  }
}
