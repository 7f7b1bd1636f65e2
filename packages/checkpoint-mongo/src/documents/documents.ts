import type { PackedBinary } from "./packed-bytes.ts";
import type { PLAIN, STORED_NAME } from "./sealed-bytes.ts";
import type { StoredBytes } from "../driver/binary.ts";

/** The fields that all documents of a thread have. They lie in one collection. */
export interface ThreadPart {
  readonly thread_id: string;
  readonly kind: DocumentKind;
  /** The life of the thread that it belongs to; absent for the first, before any `deleteThread`. */
  readonly epoch?: number;
  /**
   * When the thread expires: the same in all of its documents, and a day later in its record. Absent without
   * a TTL.
   */
  readonly expires_at?: Date;
}

/** The kind of a document. */
export type DocumentKind = "thread" | "checkpoint" | "segment" | "writes" | "discarded";

/** The record of a thread, one per thread. Every write to the thread is fenced by it. */
export interface ThreadDocument {
  /** The thread's id. */
  readonly _id: string;
  readonly thread_id: string;
  readonly kind: "thread";
  /** Counts the thread's lives: each `deleteThread` begins the next. */
  readonly epoch: number;
  /**
   * From the second life on: the first 8 bytes of the SHA-256 of thread and `epoch`, so that a damaged
   * `epoch` does not make the documents those of an earlier life.
   */
  readonly life?: StoredBytes;
  /**
   * When the server removes the record: a day after the thread expires, so that a later writer finds which
   * life has ended. Null or absent without a TTL.
   */
  readonly expires_at?: Date | null;
  /**
   * Set while `expires_at` is being changed in the thread's other documents: when the documents expire that
   * have not been changed yet; true for never.
   */
  readonly extending?: Date | true | null;
  /**
   * What `expires_at` said before, as far as some documents may have it still; null for nothing. A process that
   * was about to store them when the expiry was changed stores them again, unless it dies.
   */
  readonly former_expiries?: readonly (Date | null)[];
  /**
   * With the option `witness`: for each namespace, by life and hash of its name, the highest place in the
   * order of its checkpoints.
   */
  readonly newest?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /**
   * Set while the thread is deleted and not yet written to again. If there is no `expires_at`, not everything
   * has been removed yet.
   */
  readonly deleted_at?: Date;
  /**
   * Set with `extending` while the thread is copied to the archive store: the key of the copy. Whoever finishes
   * `extending` takes it off, and then the copy does not count.
   */
  readonly leaving?: string;
  /** Set while the thread is in the archive store and not here. */
  readonly away?: ThreadAway;
  /** Set while documents of a later life are stored, which nobody sees before the thread is in that life. */
  readonly arriving?: ThreadArriving;
  /** Keys of all objects in the archive store that may hold the thread. */
  readonly copies?: readonly string[];
  /** Set with `deleted_at`: until then, nothing is written to the thread. */
  readonly refused_until?: Date;
  /**
   * Set with `deleted_at` while a copy is made in the life of `epoch`: when that was last confirmed. Nobody sees it
   * before it is whole.
   */
  readonly copying?: Date;
  /** Overrides the TTL of the saver: seconds, or "pinned" for a thread that stays. */
  readonly retention?: number | "pinned";
  /** The fencing token of the one who alone may write to the thread. Null or absent: everybody may. */
  readonly holder?: number | null;
  /** Until when, by the server's clock. */
  readonly held_until?: Date;
  /** What it is held for: a lease of the user's, or the turn of one call that others kept getting ahead of. */
  readonly held_for?: "lease" | "turn";
  /** The last fencing token. The next one is higher. */
  readonly last_token?: number;
  /** Who waits to hold the thread, first come first. */
  readonly line?: readonly PlaceInLine[];
  /** Set with `stands`: an index finds both here and on checkpoints. */
  readonly head?: true;
  /** Where a thread stands that was created and has no checkpoint yet. */
  readonly stands?: StoredStanding;
  /**
   * Names of the commands that began to store an interrupt or an error and have not ended, as far as is
   * known. What the latest checkpoint says in `stands` may be out of date then.
   */
  readonly moving?: readonly string[];
  readonly created_at?: Date;
  /** Names the last removal of checkpoints. Null or absent: there was none. */
  readonly removal?: string | null;
  /** The last rollbacks, by their names. */
  readonly rollbacks?: Readonly<Record<string, StoredRollback>>;
  /** The user's metadata as JSON. */
  readonly metadata?: string;
  /** The same, for searches: a text for each key with its value. */
  readonly fields?: readonly string[];
}

/** Where a thread is that is in the archive store. */
export interface ThreadAway {
  readonly key: string;
  readonly at: Date;
  readonly checkpoints: number;
  /** Of the copy, as it is stored. */
  readonly bytes: number;
}

/** The life in which a thread arrives from an archive. */
export interface ThreadArriving {
  readonly life: number;
  /** Tells one attempt from the next. */
  readonly token: string;
  /** Others wait until then before they try it themselves. */
  readonly until: Date;
}

/** One who waits to hold a thread. */
export interface PlaceInLine {
  readonly ticket: string;
  /** When the place is lost unless it is kept, by the server's clock. */
  readonly until: Date;
}

/** A rollback that can be undone. */
export interface StoredRollback {
  readonly at: Date;
  /** When a sweep removes what it discarded. It cannot be undone any more then. */
  readonly until: Date;
  /** The id of the checkpoint that was the latest before. */
  readonly from: string;
  /**
   * Set until everything is discarded that came after: the checkpoints of the root graph between these places in
   * the order.
   */
  readonly discarding?: { readonly after: number; readonly before: number };
}

/** A label of a checkpoint. No hash covers it. */
export interface StoredLabel {
  /** No two of a namespace are the same. */
  readonly name: string;
  readonly type: string;
  readonly at: Date;
}

/** Where a thread stands, for searches over all threads. */
export interface StoredStanding {
  /** 0 idle, 1 busy, 2 interrupted, 3 error. */
  readonly code: number;
  /** When a checkpoint, an interrupt, an error or metadata was last stored, by the server's clock, about. */
  readonly at: Date;
}

/**
 * A run of items of a channel, named by the content it began with. Items never change, but others may be
 * appended.
 */
export interface SegmentDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of thread, segment and part. */
  readonly _id: StoredBytes;
  readonly kind: "segment";
  /** Never stored: how `segment` is, if that is encrypted. */
  readonly [STORED_NAME]?: StoredBytes;
  /** The first 20 bytes of the SHA-256 of the plain content of `data`. */
  readonly segment: StoredBytes;
  /** Counts from 0. Content over the document limit continues in the next part. */
  readonly part: number;
  /** How many there are in `more`. A writer must know all of them to append. */
  readonly appends: number;
  /** Set by a sweep that found no reference to it. A put that refers to it removes this mark. */
  readonly condemned_at?: Date;
  readonly data: PackedBinary;
  /**
   * The appends, one for each put: the plain length as LEB128, then the content that continues `data`, as
   * part of one raw deflate stream over all appends (as in RFC 7692, without the four bytes that end a
   * part), which may refer back to the last 32 kB before it.
   */
  readonly more?: readonly StoredBytes[];
}

/** A checkpoint: the commit point of everything it refers to. */
export interface CheckpointDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of the address. Pending writes point to it. */
  readonly _id: StoredBytes;
  readonly kind: "checkpoint";
  /** Never stored: whether it lies in clear text where new documents are encrypted. */
  readonly [PLAIN]?: true;
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  readonly parent_checkpoint_id?: string;
  /**
   * The place in the order of its thread and namespace. Counts from 1; no two are the same. What `migrate` adds
   * to a thread that has been continued stands before, and counts down from 0.
   */
  readonly seq: number;
  /** Set on the latest checkpoint of its namespace (the one with the highest `seq`, if several). */
  readonly head?: true;
  /** Where the thread stands; of the latest checkpoint of the root graph only. No hash covers it. */
  readonly stands?: StoredStanding;
  /** The place of the checkpoint that removed the mark from this one. */
  readonly next?: number;
  /**
   * With the option `witness`: the first 8 bytes of the `_id` of each of its sets of pending writes. The hash
   * covers neither this nor `next`.
   */
  readonly sets?: readonly StoredBytes[];
  /** Header and manifest as text. */
  readonly body: PackedBinary;
  /** Ids of the segments that the manifest names by number, 20 bytes each. */
  readonly segments: StoredBytes;
  /** The part of the metadata that the server can search; absent with a user's serializer. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /**
   * With encryption: for each entry of the metadata that is not in clear text, a keyed hash of key and value, by
   * which searches find it.
   */
  readonly tokens?: readonly string[];
  /** The whole metadata, if `metadata` is only a part of it. */
  readonly metadata_encoded?: EncodedMetadata;
  /** The run that put it, where its config named one. */
  readonly run_id?: string;
  /** With the option `indexedConfig`: a text for each field of the config with its value. */
  readonly config?: readonly string[];
  /** The parent's `hash`, if the parent is stored. */
  readonly parent_hash?: StoredBytes;
  /**
   * Set when its parent was pruned: a hash of its own address and hash, with the same key. So a parent that is
   * missing for another reason still shows.
   */
  readonly cut?: StoredBytes;
  /** Set on the latest checkpoint of its namespace that stayed when others were pruned. */
  readonly pruned?: PruneMark;
  /**
   * The places that it had before a rollback made it the latest again. Those who put a child meanwhile may know
   * it by the hash that it had there.
   */
  readonly moved_from?: readonly number[];
  readonly labels?: readonly StoredLabel[];
  /** Set with labels: an index finds it by this. */
  readonly labelled?: true;
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /** SHA-256 or HMAC-SHA-256 over the key's name, address, parent, body, segments and metadata. */
  readonly hash: StoredBytes;
  readonly upserted_at?: Date;
}

/**
 * Says that checkpoints of its namespace were pruned. A process that still has one of them in memory may put a
 * child of it afterwards, which no prune has marked as cut off.
 */
export interface PruneMark {
  /** None that was pruned had a later place in the order. */
  readonly through: number;
  /** A hash of that and of where the mark lies, with the key of its checkpoint. */
  readonly proof: StoredBytes;
}

/**
 * A checkpoint that a rollback has discarded: kept until the rollback is undone or a sweep removes it. It is a
 * checkpoint but for these fields, and its pending writes stay as they are.
 */
export interface DiscardedDocument extends Omit<
  CheckpointDocument,
  "kind" | "head" | "labels" | "labelled"
> {
  readonly kind: "discarded";
  /** The name of the rollback. */
  readonly rollback: string;
  readonly was_head?: true;
  readonly was_labelled?: readonly StoredLabel[];
}

/** Metadata as text, or as the bytes and the type of the user's serializer. */
export type EncodedMetadata = string | { readonly type: string; readonly data: StoredBytes };

/**
 * Pending writes of one task, stored by one call. All writes to ordinary channels are one document, so they
 * are stored as a whole or not at all. Each special channel has its own document, because later writes
 * replace it.
 */
export interface WriteSetDocument extends ThreadPart {
  /** The first 16 bytes of the SHA-256 of checkpoint, task and place. */
  readonly _id: StoredBytes;
  readonly kind: "writes";
  readonly checkpoint_ns: string;
  readonly checkpoint_id: string;
  /** The `_id` of the checkpoint they belong to. */
  readonly checkpoint: StoredBytes;
  readonly task_id: string;
  /** The path of the task among those of its superstep; absent if it is not known. */
  readonly task_path?: string;
  /**
   * The place of the set among those of the task: negative for a special channel, 0 for the first writes of
   * the task, otherwise one more than the position of its first write.
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
  /**
   * Of a special channel: when its call was made, in milliseconds by the server's clock, and later than what it
   * replaced. So an attempt that reaches the server after later calls changes nothing. No hash covers it, and
   * no read uses it.
   */
  readonly called_at?: number;
  /** Set by a sweep that did not find its checkpoint. A call that stores it again removes this mark. */
  readonly condemned_at?: Date;
  readonly upserted_at?: Date;
}

/** One pending write. */
export interface StoredWrite {
  /** Position among the task's writes. */
  readonly idx: number;
  readonly channel: string;
  /** The encoded value, or the segment that holds it if it is too large for the document. */
  readonly value: PackedBinary | SegmentReference;
  /** The type that the user's serializer gave; absent with this package's own encoding. */
  readonly type?: string;
}

/** A segment that holds one value. */
export interface SegmentReference {
  readonly segment: StoredBytes;
  /** Its plain length. Longer content is not unpacked. */
  readonly length: number;
}
