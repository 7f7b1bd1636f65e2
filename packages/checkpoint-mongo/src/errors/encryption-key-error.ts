import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Why what is encrypted cannot be read. */
export type EncryptionKeyFault =
  /** The saver has no keys. */
  | "no-keys"
  /** The saver has keys, but not the one that the data key was wrapped with. */
  | "unknown-key"
  /** The saver has a key with that id, but the data key was wrapped with a different one. */
  | "another-key"
  /** The data key is not there: it was removed, or not restored. */
  | "no-data-key"
  /** The stored data key is not as it was written. */
  | "damaged-data-key"
  /** The key provider failed or refused. */
  | "provider-failed";

/** What an {@link EncryptionKeyError} is about. */
export interface EncryptionKeyDetails {
  readonly fault: EncryptionKeyFault;
  /** The master key that is needed; undefined if it is not known. */
  readonly keyId: string | undefined;
  /** The master keys that the saver has. */
  readonly knownKeyIds: readonly string[];
}

/**
 * What is stored cannot be decrypted, because the key for it is not there. That is no sign of damage, so
 * `onCorruption: "fall-back"` does not apply. Nothing was returned, and nothing was changed.
 */
export class EncryptionKeyError extends ThreadkeepError {
  /** The errors of this class have the code `ENCRYPTION_KEY`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["ENCRYPTION_KEY"];
  /** `"EncryptionKeyError"`, also in minified code. */
  override readonly name: string = "EncryptionKeyError";

  /** What cannot be decrypted, as messages name it. */
  readonly what: string;
  /** What is wrong with the keys. */
  readonly fault: EncryptionKeyFault;
  /** The master key that is needed; undefined if it is not known. */
  readonly keyId: string | undefined;
  /** The master keys that the saver has. */
  readonly knownKeyIds: readonly string[];

  /**
   * @param what what cannot be decrypted, as messages name it
   * @param details what is wrong with the keys
   * @param options the `cause`
   */
  constructor(what: string, details: EncryptionKeyDetails, options: ErrorOptions = {}) {
    const { fault, keyId, knownKeyIds } = details;
    // A KMS that does not answer may answer later.
    super("ENCRYPTION_KEY", explain(what, details), {
      ...options,
      isFinal: fault !== "provider-failed",
    });
    this.what = what;
    this.fault = fault;
    this.keyId = keyId;
    this.knownKeyIds = knownKeyIds;
  }
}

function explain(what: string, { fault, keyId, knownKeyIds }: EncryptionKeyDetails): string {
  const start = `Cannot decrypt ${what}:`;
  const known = knownKeyIds.join(", ");
  switch (fault) {
    case "no-keys":
      return (
        `${start} it is encrypted${keyId === undefined ? "" : `, with the key ${keyId}`}, and this saver has no ` +
        "keys. Pass the option encryption."
      );
    case "unknown-key":
      return (
        `${start} its data key was wrapped with the key ${keyId}, and this saver has ${known}. Add that key to ` +
        "encryption.keys: a key that was replaced stays there until threadkeep rekey has ended."
      );
    case "another-key":
      return (
        `${start} its data key was wrapped with the key ${keyId}, and this saver has a different key under that id. ` +
        "Give the old key its id back, and the new key another id."
      );
    case "no-data-key":
      return (
        `${start} its data key is not there. deleteThread removes it. After a restore, restore the collection of ` +
        "the data keys too."
      );
    case "damaged-data-key":
      return (
        `${start} its data key, wrapped with the key ${keyId}, is not as it was written. Restore the collection of ` +
        "the data keys from a backup."
      );
    case "provider-failed":
      return `${start} the key provider did not handle its data key with the key ${keyId}. The cause says why.`;
  }
}
