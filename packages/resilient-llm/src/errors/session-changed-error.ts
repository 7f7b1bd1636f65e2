import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Somebody else has gone on with a session meanwhile. Nothing was stored. */
export class SessionChangedError extends ThreadkeepError {
  /** The errors of this class have the code `SESSION_CHANGED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["SESSION_CHANGED"];
  /** `"SessionChangedError"`, also in minified code. */
  override readonly name: string = "SessionChangedError";
  /** The session. */
  readonly sessionId: string;

  /** @param sessionId the session */
  constructor(sessionId: string) {
    super(
      "SESSION_CHANGED",
      `Somebody else has gone on with the session ${JSON.stringify(sessionId)} meanwhile, so nothing was stored.` +
        " Let one process at a time work on it, and ask again: an answer that was journaled is not paid for twice.",
    );
    this.sessionId = sessionId;
  }
}
