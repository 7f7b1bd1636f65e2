import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** Why a document's hash can't be checked. */
export type IntegrityKeyFault =
  /** It was hashed without a key, and the saver has one. */
  | "unkeyed"
  /** It was hashed with a key, and the saver has none. */
  | "no-key"
  /** The saver has keys, but not the one that the document names. */
  | "unknown-key"
  /** The saver has a key of that id, but it is not the one that the document was hashed with. */
  | "another-key";

/**
 * A document cannot be checked because the saver lacks the key that it was hashed with. It is not
 * known to be damaged; nothing of it was returned, and nothing is fallen back from.
 */
export class IntegrityKeyError extends ThreadkeepError {
  /** Which document it is. */
  readonly document: string;
  readonly fault: IntegrityKeyFault;
  /** The key that the document names: `id:fingerprint`, or the fingerprint of a key without an id. */
  readonly keyName: string | undefined;
  /** The keys that there are, named in the same way. */
  readonly knownKeyNames: readonly string[];

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

  static override isInstance(value: unknown): value is IntegrityKeyError {
    return hasErrorCode(value, "INTEGRITY_KEY");
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
        "a key, set integrity.acceptUnkeyed while such threads are in use. If it was not, somebody " +
        "without the key has written it."
      );
    case "no-key":
      return `${start} with the key ${name}, and this saver has none. Pass that key as integrity.`;
    case "unknown-key":
      return (
        `${start} with the key ${name}, and this saver has ${known}. Add that key to integrity.keys: ` +
        "one that was replaced stays there for as long as documents name it."
      );
    case "another-key":
      return (
        `${start} with the key ${name}, and this saver's key of that id is another one (it has ` +
        `${known}). Give the key back its id, and the other one an id of its own.`
      );
  }
}
