/** A key as text or as bytes: at least 16 bytes, better 32 random ones. */
export type IntegrityKey = string | Uint8Array;

/** Keys for the hashes over what is stored. */
export interface IntegrityOptions {
  /** The only key. Where keys are to change, name them in `keys` instead. */
  readonly key?: IntegrityKey | undefined;

  /**
   * All keys that documents may have been hashed with, by ids of up to 32 letters, digits, `_` and
   * `-`. An id is stored with each document, in clear. A key stays here for as long as documents name
   * it; one that was given as `key` before may come here under any id.
   */
  readonly keys?: Readonly<Record<string, IntegrityKey>> | undefined;

  /** Which of `keys` new documents are hashed with. */
  readonly currentKeyId?: string | undefined;

  /**
   * Whether documents that were stored before there was a key are read too. As long as this is set,
   * whoever can write to the database can forge such a document: set it while threads of that time
   * are in use, and no longer. New documents are hashed with the key in any case.
   *
   * @default false
   */
  readonly acceptUnkeyed?: boolean | undefined;
}
