import type { StoredBytes } from "../driver/binary.ts";

/** A data key as it is stored: wrapped by a master key. */
export interface KeyDocument {
  /** See {@link nameLifeKey}; `"shared"` for the key that all threads of a collection share. */
  readonly _id: string;
  /** Absent in the key that all threads share. */
  readonly thread_id?: string;
  /** The life of the thread. */
  readonly epoch?: number;
  /** The id of the master key. */
  readonly key_id: string;
  readonly wrapped: StoredBytes;
  readonly created_at: Date;
}

/** The `_id` of the key that all threads share. */
export const SHARED_KEY = "shared";

/** The `_id` of the key of one life of a thread. */
export function nameLifeKey(threadId: string, epoch: number): string {
  return `${epoch} ${threadId}`;
}
