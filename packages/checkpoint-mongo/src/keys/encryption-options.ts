/** A master key as bytes, or as a string that is read as UTF-8: at least 32 bytes, best 32 random ones. */
export type EncryptionKey = string | Uint8Array;

/** What a data key is for. A provider binds the wrapped key to it, so that it opens nothing elsewhere. */
export interface DataKeyContext {
  /** The thread; undefined for the one key that all threads of a collection share. */
  readonly threadId: string | undefined;
  /** The life of the thread; 0 without a thread. */
  readonly epoch: number;
}

/**
 * Keeps the master keys elsewhere, for example in a KMS, and wraps data keys with them. It is asked once for each
 * thread that a process reads or writes, not for each step.
 */
export interface KeyProvider {
  /** The id of the master key that new data keys are wrapped with: up to 200 characters, stored in clear text. */
  readonly currentKeyId: string;
  /**
   * Wraps a data key of 32 bytes.
   *
   * @param keyId the master key to use
   */
  wrap(dataKey: Uint8Array, keyId: string, context: DataKeyContext): Promise<Uint8Array>;
  /**
   * Opens what {@link KeyProvider.wrap} made. It rejects if it cannot.
   *
   * @param keyId the master key that it was wrapped with
   */
  unwrap(wrapped: Uint8Array, keyId: string, context: DataKeyContext): Promise<Uint8Array>;
  /**
   * Is told that a thread was deleted, after its wrapped key was removed: for providers that hold the data keys
   * themselves.
   */
  forget?(wrapped: Uint8Array, keyId: string, context: DataKeyContext): Promise<void>;
}

/** What is encrypted, and with which keys. */
export interface EncryptionOptions {
  /**
   * All master keys that data keys may have been wrapped with, by ids of up to 32 letters, digits, `_` and `-`. The
   * id is stored in clear text. A key has to stay here until `threadkeep rekey` has ended.
   *
   * @default undefined: `keyProvider`
   */
  readonly keys?: Readonly<Record<string, EncryptionKey>> | undefined;

  /**
   * The id of the key that new data keys are wrapped with. Required with `keys`.
   *
   * @default undefined
   */
  readonly currentKeyId?: string | undefined;

  /**
   * Holds the master keys in place of `keys`, for example a KMS.
   *
   * @default undefined: `keys`
   */
  readonly keyProvider?: KeyProvider | undefined;

  /**
   * Keys of metadata that stay in clear text, so that the server compares their values: of a checkpoint's metadata
   * and of `saver.threads`. All other metadata can be searched for equal values only.
   *
   * @default []
   */
  readonly searchable?: readonly string[] | undefined;

  /**
   * Whether documents in clear text are read too, because they were stored before there was encryption. As long as
   * this is set, whoever can write to the database can put such documents there. New documents are always
   * encrypted.
   *
   * @default false
   */
  readonly allowPlaintext?: boolean | undefined;

  /**
   * The database of the wrapped data keys, on the same client.
   *
   * @default the saver's database
   */
  readonly keysDbName?: string | undefined;

  /**
   * The collection of the wrapped data keys. Leave it out of backups that are to become unreadable with
   * `deleteThread`, and back it up by itself.
   *
   * @default "{collectionPrefix}keys"
   */
  readonly keysCollectionName?: string | undefined;
}
