import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/**
 * What is stored is as it was written, but by a newer version of this package, in a way that this one
 * does not know. Nothing of it was returned. It is no damage, so `onCorruption: "fall-back"` does not
 * pass over it: a process of an older version that went back would do again what is done already.
 */
export class UnsupportedFormatError extends ThreadkeepError {
  /** What this version does not know, for example `a value tagged "decimal"`. */
  readonly what: string;
  /** Where it stands, for example a checkpoint's address; undefined if that is not known. */
  readonly where: string | undefined;

  constructor(what: string, where?: string, options?: ErrorOptions) {
    super(
      "UNSUPPORTED_FORMAT",
      `${where ?? "What is stored"} holds ${what}, which this version of @threadkeep/checkpoint-mongo ` +
        "does not know. It was not returned. A newer version has written it: upgrade the package in " +
        "all processes that read this database.",
      options,
    );
    this.what = what;
    this.where = where;
  }

  static override isInstance(value: unknown): value is UnsupportedFormatError {
    return hasErrorCode(value, "UNSUPPORTED_FORMAT");
  }
}
