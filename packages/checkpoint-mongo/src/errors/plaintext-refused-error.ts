import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A document lies in clear text where the saver encrypts. Whoever can write to the database could have put it
 * there, so nothing of it was returned.
 */
export class PlaintextRefusedError extends ThreadkeepError {
  /** The errors of this class have the code `PLAINTEXT_REFUSED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["PLAINTEXT_REFUSED"];
  /** `"PlaintextRefusedError"`, also in minified code. */
  override readonly name: string = "PlaintextRefusedError";

  /** Which document it is, as messages name it. */
  readonly document: string;

  /** @param document which document it is, as messages name it */
  constructor(document: string) {
    super(
      "PLAINTEXT_REFUSED",
      `Refused ${document}: it lies in clear text, and this saver encrypts. If it was stored before there was ` +
        "encryption, set encryption.allowPlaintext while such threads are in use. Otherwise somebody without the " +
        "key has written it.",
    );
    this.document = document;
  }
}
