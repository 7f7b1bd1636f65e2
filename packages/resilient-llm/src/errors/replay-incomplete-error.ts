import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A replay met a call that was not recorded and may not be made. It was not made. */
export class ReplayIncompleteError extends ThreadkeepError {
  /** The errors of this class have the code `REPLAY_INCOMPLETE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["REPLAY_INCOMPLETE"];
  /** `"ReplayIncompleteError"`, also in minified code. */
  override readonly name: string = "ReplayIncompleteError";

  /** @param message which call, and what to do */
  constructor(message: string) {
    super("REPLAY_INCOMPLETE", message);
  }
}
