/** A key as a string or as bytes: at least 16 bytes, better 32 random ones. */
export type IntegrityKey = string | Uint8Array;

/** Keys for the hashes over what is stored. */
export interface IntegrityOptions {
  /**
   * The only key. To be able to change keys, use `keys` instead.
   *
   * @default undefined: `keys`, or no key
   */
  readonly key?: IntegrityKey | undefined;

  /**
   * All keys that documents may have been hashed with, by ids of up to 32 letters, digits, `_` and `-`. The
   * id is stored with each document, in clear text. A key has to stay here as long as documents name it. A
   * key that was given as `key` before may be added under any id.
   *
   * @default {}
   */
  readonly keys?: Readonly<Record<string, IntegrityKey>> | undefined;

  /**
   * The id of the key that new documents are hashed with. Required with `keys`.
   *
   * @default undefined
   */
  readonly currentKeyId?: string | undefined;

  /**
   * Whether documents without a key are read too, because they were stored before there was one. As long as
   * this is set, anybody who can write to the database can forge such documents, so set it only while threads
   * of that time are in use. New documents are always hashed with the key.
   *
   * @default false
   */
  readonly acceptUnkeyed?: boolean | undefined;
}
