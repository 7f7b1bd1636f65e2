import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Why the hash of a document cannot be checked. */
export type IntegrityKeyFault =
  /** It was hashed without a key, and the saver has one. */
  | "unkeyed"
  /** It was hashed with a key, and the saver has none. */
  | "no-key"
  /** The saver has keys, but not the one that the document names. */
  | "unknown-key"
  /** The saver has a key with that id, but the document was hashed with a different one. */
  | "another-key";

/**
 * A document cannot be verified, because the saver does not have the key it was hashed with. That is no
 * sign of damage, so `onCorruption: "fall-back"` does not apply. Nothing of it was returned.
 */
export class IntegrityKeyError extends ThreadkeepError {
  /** The errors of this class have the code `INTEGRITY_KEY`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["INTEGRITY_KEY"];
  /** `"IntegrityKeyError"`, also in minified code. */
  override readonly name: string = "IntegrityKeyError";

  /** Which document it is. */
  readonly document: string;
  /** What is wrong with the keys. */
  readonly fault: IntegrityKeyFault;
  /** The key that the document names: `id:fingerprint`, or only the fingerprint of a key without an id. */
  readonly keyName: string | undefined;
  /** The keys that the saver has, named the same way. */
  readonly knownKeyNames: readonly string[];

  /**
   * @param document which document it is, as messages name it
   * @param fault what is wrong with the keys
   * @param keyName the key that the document names
   * @param knownKeyNames the keys that the saver has, named the same way
   */
  constructor(
    document: string,
    fault: IntegrityKeyFault,
    keyName: string | undefined,
    knownKeyNames: readonly string[],
  ) {
    super("INTEGRITY_KEY", explain(document, fault, keyName, knownKeyNames.join(", ")));
    this.document = document;
    this.fault = fault;
    this.keyName = keyName;
    this.knownKeyNames = knownKeyNames;
  }
}

function explain(
  document: string,
  fault: IntegrityKeyFault,
  name: string | undefined,
  known: string,
): string {
  const start = `Cannot verify ${document}, so it was not returned: it was hashed`;
  switch (fault) {
    case "unkeyed":
      return (
        `${start} without a key, and this saver has one (${known}). If it was stored before there was ` +
        "a key, set integrity.acceptUnkeyed while such threads are in use. Otherwise somebody who does " +
        "not have the key has written it."
      );
    case "no-key":
      return `${start} with the key ${name}, and this saver has none. Pass that key as integrity.`;
    case "unknown-key":
      return (
        `${start} with the key ${name}, and this saver has ${known}. Add that key to integrity.keys: ` +
        "a key that was replaced stays there as long as documents name it."
      );
    case "another-key":
      return (
        `${start} with the key ${name}, and this saver has a different key under that id (it has ` +
        `${known}). Give the old key its id back, and the new key another id.`
      );
  }
}
