import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A newer version of this package has stored something in a format that this version does not know.
 * Nothing of it was returned. It is not damage, so `onCorruption: "fall-back"` does not apply: a process
 * of an older version that went back to an earlier checkpoint would do work again.
 */
export class UnsupportedFormatError extends ThreadkeepError {
  /** The errors of this class have the code `UNSUPPORTED_FORMAT`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["UNSUPPORTED_FORMAT"];
  /** `"UnsupportedFormatError"`, also in minified code. */
  override readonly name: string = "UnsupportedFormatError";

  /** The unknown part, for example `a value tagged "decimal"`. */
  readonly what: string;
  /** Where it was found, for example the address of a checkpoint; undefined if that is not known. */
  readonly where: string | undefined;

  /**
   * @param what the unknown part, for example `a value tagged "decimal"`
   * @param where where it was found, for example the address of a checkpoint
   */
  constructor(what: string, where?: string, options?: ErrorOptions) {
    super(
      "UNSUPPORTED_FORMAT",
      `${where ?? "A stored value"} holds ${what}, which this version of @threadkeep/checkpoint-mongo ` +
        "does not know. It was not returned. A newer version has written it: upgrade the package in " +
        "all processes that read this database.",
      options,
    );
    this.what = what;
    this.where = where;
  }
}
