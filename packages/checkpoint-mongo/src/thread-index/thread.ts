import type { MetadataValue } from "../documents/search-field.ts";
import type { ThreadMetadata } from "./metadata.ts";

/**
 * Where a thread stands, in the words of LangGraph's SDK:
 *
 * - `"idle"`: the graph has nothing left to run.
 * - `"busy"`: nodes are to run next. A run is under way, or stopped before a node, or its process died: what
 *   is stored is the same.
 * - `"interrupted"`: a task waits for an answer (`interrupt()`). It stays so until the answer has led to a
 *   checkpoint.
 * - `"error"`: a task failed. It stays so until a later run has led to a checkpoint.
 * - `"expired"`: its TTL has passed, and it is about to be removed.
 */
export type ThreadStatus = "idle" | "busy" | "interrupted" | "error" | "expired";

/** A thread as a search finds it. */
export interface ThreadSummary {
  readonly threadId: string;
  readonly status: ThreadStatus;
  /** When it was first written to, in its present life. */
  readonly createdAt: Date | undefined;
  /** When a checkpoint, an interrupt, an error or metadata was last stored. */
  readonly updatedAt: Date | undefined;
  /** When it expires if nothing is written to it any more; undefined for never. */
  readonly expiresAt: Date | undefined;
  /** When it was moved to the archive store; undefined if it is here. */
  readonly archivedAt: Date | undefined;
  /** What `threads.create` and `threads.update` were given. */
  readonly metadata: ThreadMetadata;
  /** The id of the latest checkpoint of the root graph; undefined if there is none. */
  readonly checkpointId: string | undefined;
  /** The step in that one's metadata; undefined with a serializer of your own. */
  readonly step: number | undefined;
}

/** A page of a search. */
export interface ThreadPage {
  readonly threads: readonly ThreadSummary[];
  /** Where the next page begins; undefined after the last one. */
  readonly cursor: string | undefined;
}

/** An interrupt that waits for an answer. */
export interface PendingInterrupt {
  readonly taskId: string;
  /** What the task gave to `interrupt()`, with its id, as LangGraph stored it. */
  readonly value: unknown;
}

/** A label as {@link ThreadDetails} has it. */
export interface ThreadLabel {
  readonly name: string;
  readonly type: string;
  /** The checkpoint that has it. */
  readonly checkpointId: string;
  /** The namespace of the checkpoint; empty for the root graph. */
  readonly checkpointNs: string;
  readonly createdAt: Date;
}

/** A thread with everything that is known of it. */
export interface ThreadDetails extends ThreadSummary {
  /** Checkpoints of all namespaces, also if they are in the archive store. */
  readonly checkpoints: number;
  /**
   * Bytes of all its documents, as the server stores them before its own compression; of a thread in the archive
   * store, those of its copy.
   */
  readonly bytes: number;
  /**
   * Bytes of the contents of each channel, of all namespaces and checkpoints; only if asked for. What channels
   * share counts for the first of them.
   */
  readonly channels: Readonly<Record<string, number>> | undefined;
  /** The labels of its checkpoints, by namespace and order. */
  readonly labels: readonly ThreadLabel[];
  /** The interrupts at the latest checkpoint of the root graph. */
  readonly interrupts: readonly PendingInterrupt[];
  /** The error of the last task that failed there, as LangGraph stored it. */
  readonly error: unknown;
}

/** What to change of a thread. */
export interface ThreadUpdate {
  /** Entries that are added to the metadata, or replaced; those that are undefined stay. */
  readonly metadata?: Readonly<Record<string, MetadataValue | undefined>> | undefined;
}
