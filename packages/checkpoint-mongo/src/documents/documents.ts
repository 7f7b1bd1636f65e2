import type { Binary } from "mongodb";

/** What every document of a thread carries. All of them lie in one collection. */
export interface ThreadPart {
  readonly thread_id: string;
  readonly kind: DocumentKind;
  /** Which life of the thread it belongs to; absent for the first, before any `deleteThread`. */
  readonly epoch?: number;
  /**
   * When the thread expires, which is the same in all of its documents, and a day later in its record.
   * Absent without a TTL.
   */
  readonly expires_at?: Date;
}

/** What a document is. */
export type DocumentKind = "thread" | "checkpoint" | "segment" | "writes";

/** Bytes: written as a `Uint8Array`, read as a `Binary` of the client's own copy of the driver. */
export type StoredBytes = Binary | Uint8Array;

/**
 * Bytes that may be compressed: plain with BSON's generic subtype 0, a zstd frame with subtype 128,
 * raw deflate with this package's dictionary with subtype 129, the first ones of those that are free
 * for users. Both come after their plain length as LEB128: it bounds what is unpacked.
 */
export type PackedBinary = StoredBytes;

/** One per thread: its record, which every write to the thread is fenced by. */
export interface ThreadDocument {
  /** The thread's id. */
  readonly _id: string;
  readonly thread_id: string;
  readonly kind: "thread";
  /** Counts the thread's lives: each `deleteThread` begins the next. */
  readonly epoch: number;
  /**
   * From the second life on: the first 8 bytes of the SHA-256 of thread and `epoch`, so that another number
   * does not make a thread's documents those of an earlier life.
   */
  readonly life?: StoredBytes;
  /**
   * When the server removes the record: a day after the thread expires, so that whoever writes to the
   * thread again finds which life has ended. Null or absent without a TTL.
   */
  readonly expires_at?: Date | null;
  /**
   * Set while `expires_at` is being changed in the thread's other documents: when those expire that have
   * not been changed yet; true for never.
   */
  readonly extending?: Date | true | null;
  /**
   * With the option `witness`: by life and hash of its name, the highest place in the order that a
   * checkpoint of a namespace was stored in.
   */
  readonly newest?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /**
   * Set while the thread is deleted and not yet written to again. Without `expires_at` not everything
   * has been removed yet.
   */
  readonly deleted_at?: Date;
}

/**
 * A run of items of a channel, named by the content it began with. Nothing in it ever changes; items
 * may be appended.
 */
export interface SegmentDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of thread, segment and part. */
  readonly _id: StoredBytes;
  readonly kind: "segment";
  /** The first 20 bytes of the SHA-256 of the plain content of `data`. */
  readonly segment: StoredBytes;
  /** Counts from 0; content over the document limit continues in the next part. */
  readonly part: number;
  /** How many there are in `more`; who appends must know of all of them. */
  readonly appends: number;
  /** Set by a sweep that found no reference to it. A put that refers to it takes it back. */
  readonly condemned_at?: Date;
  readonly data: PackedBinary;
  /**
   * What was appended, each by one put: its plain length as LEB128, then the plain content that
   * continues `data` as part of one raw deflate stream over all of them (as in RFC 7692, without the
   * four bytes that end a part), which may refer back to the last 32 kB before it.
   */
  readonly more?: readonly StoredBytes[];
}

/** One per checkpoint: the commit point of everything it refers to. */
export interface CheckpointDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of the address: what pending writes point at. */
  readonly _id: StoredBytes;
  readonly kind: "checkpoint";
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly parent_checkpoint_id?: string;
  /** Order within thread and namespace: counts up from 1, no two alike. */
  readonly seq: number;
  /** Set on the latest checkpoint of its namespace (the one with the highest `seq`, if several). */
  readonly head?: true;
  /** With the option `witness`: the place of the checkpoint that took the mark off this one. */
  readonly next?: number;
  /**
   * With the option `witness`: the first 8 bytes of the `_id` of each set of pending writes that was
   * stored for it. Neither this nor `next` is covered by the hash.
   */
  readonly sets?: readonly StoredBytes[];
  /** Header and manifest as text. */
  readonly body: PackedBinary;
  /** Ids of the segments that the manifest names by number, 20 bytes each. */
  readonly segments: StoredBytes;
  /** What of the metadata the server can search; absent with a serializer of the user's. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The metadata, where `metadata` is not all of it. */
  readonly metadata_encoded?: EncodedMetadata;
  /** The parent's `hash`, if the parent is stored. */
  readonly parent_hash?: StoredBytes;
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /** SHA-256 or HMAC-SHA-256 over the key's name, address, parent, body, segments and metadata. */
  readonly hash: StoredBytes;
  readonly upserted_at?: Date;
}

/** Metadata as text, or as the bytes and type that the user's serializer gave. */
export type EncodedMetadata = string | { readonly type: string; readonly data: StoredBytes };

/**
 * Pending writes of one task, stored by one call: all that it wrote to ordinary channels is one
 * document, so that it is there as a whole or not at all, and each special channel has one of its
 * own, since later writes replace those.
 */
export interface WriteSetDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of checkpoint, task and place. */
  readonly _id: StoredBytes;
  readonly kind: "writes";
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  /** `_id` of the checkpoint they belong to. */
  readonly checkpoint: StoredBytes;
  readonly task_id: string;
  /** Where the task stands among those of its superstep, as text; absent if that is not known. */
  readonly task_path?: string;
  /**
   * The set's place among those of the task: below zero for a special channel, 0 for what the task
   * wrote first, else one more than its first position.
   */
  readonly idx: number;
  readonly writes: readonly StoredWrite[];
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /**
   * SHA-256 or HMAC-SHA-256 over the key's name, address, task, its path, place, and each write's
   * position, channel, type and plain value.
   */
  readonly hash: StoredBytes;
  readonly upserted_at?: Date;
}

/** One pending write. */
export interface StoredWrite {
  /** Position among the task's writes. */
  readonly idx: number;
  readonly channel: string;
  /** The encoded value, or the segment that holds it where it is too large for the document. */
  readonly value: PackedBinary | SegmentReference;
  /** The type that the user's serializer gave; absent for this package's own encoding. */
  readonly type?: string;
}

/** A segment that holds one value. */
export interface SegmentReference {
  readonly segment: StoredBytes;
  /** Its plain length: what is longer is not unpacked. */
  readonly length: number;
}
