/**
 * An entry as it is sent. Bytes are plain `Uint8Array`s, which every copy of the driver accepts. The server
 * adds `written_at`, and `expires_at` if the entry expires, both from its own clock.
 */
export interface EntryDocument {
  readonly _id: Uint8Array;
  /** The id of its namespace, for `clear`. */
  readonly ns: Uint8Array;
  /** Version, namespace and key for people who look into the collection; shortened, and never read. */
  readonly label: string;
  readonly data: Uint8Array;
  /** How `data` is compressed. */
  readonly compression?: string;
  /** The type that a user's serializer gave the value; absent with this package's own encoding. */
  readonly type?: string;
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /** The hash over the key's name, address, type, compression and data. */
  readonly hash: Uint8Array;
  /** What counts against `maxBytes`. */
  readonly bytes: number;
}

/** An entry as it is read. Damage may have put anything in place of a field, or nothing. */
export type StoredEntry = Readonly<Record<keyof EntryDocument, unknown>>;
