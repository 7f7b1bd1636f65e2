/**
 * An entry as it is sent. Bytes are plain `Uint8Array`s, which every copy of the driver takes. The
 * server adds `written_at` and, for an entry that expires, `expires_at`, both from its own clock.
 */
export interface EntryDocument {
  readonly _id: Uint8Array;
  /** Of its namespace, to be cleared by. */
  readonly ns: Uint8Array;
  /** Version, namespace and key for whoever looks into the collection; shortened, and never read. */
  readonly label: string;
  readonly data: Uint8Array;
  /** How `data` is compressed. */
  readonly compression?: string;
  /** The type that a user's serializer gave the value; this package's own encoding has none. */
  readonly type?: string;
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /** Over the key's name, address, type, compression and data. */
  readonly hash: Uint8Array;
  /** What counts against `maxBytes`. */
  readonly bytes: number;
}

/** An entry as it is read. Damage may have put anything in place of a field, or nothing. */
export type StoredEntry = Readonly<Record<keyof EntryDocument, unknown>>;
