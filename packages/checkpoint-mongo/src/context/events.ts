import type { ChannelSize } from "../errors/checkpoint-too-large-error.ts";
import type { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import type {
  CheckpointGrowthEvent,
  RestoreFailedEvent,
  ThreadSizeEvent,
} from "../health/events.ts";

/** A damaged checkpoint was met and passed over, as `onCorruption: "fall-back"` asks for. */
export interface FallBackEvent {
  /** Tells the kinds of events apart. */
  readonly type: "fall-back";
  /** What is damaged. */
  readonly error: CorruptCheckpointError;
  /** The checkpoint that is returned instead; undefined where a list leaves the damaged one out. */
  readonly returnedCheckpointId: string | undefined;
}

/** A checkpoint is larger than a limit of `onCheckpointSize`. */
export interface CheckpointSizeEvent {
  /** Tells the kinds of events apart. */
  readonly type: "checkpoint-size";
  /** The thread of the checkpoint. */
  readonly threadId: string;
  /** The namespace of the checkpoint: `""` for the graph itself, else that of a subgraph. */
  readonly checkpointNs: string;
  /** The checkpoint that is too large. */
  readonly checkpointId: string;
  /** The state as it is encoded, all channels. */
  readonly bytes: number;
  /** The limit that is exceeded: `softLimitBytes` or `hardLimitBytes`. */
  readonly limitBytes: number;
  /** `hard` if it was refused. */
  readonly limit: "soft" | "hard";
  /** The largest channels, at most five, the largest first. */
  readonly largestChannels: readonly ChannelSize[];
}

/** The option `keepLast` could not prune. The checkpoint is stored, and a later put prunes. */
export interface KeepLastFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "keep-last-failed";
  /** The thread that was not pruned. */
  readonly threadId: string;
  /** The namespace that was not pruned. */
  readonly checkpointNs: string;
  /** Why. */
  readonly error: unknown;
}

/** With the option `batch`: calls that have returned could not be stored. */
export interface FlushFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "flush-failed";
  /** The thread that they were for. */
  readonly threadId: string;
  /** How many checkpoints are not stored. There may be pending writes, too. */
  readonly checkpoints: number;
  /** Whether they are kept, and tried again. Otherwise they are lost. */
  readonly isKept: boolean;
  /** Why. The next call that writes to the thread throws it, and so does `flush`. */
  readonly error: unknown;
}

/** What a saver reports beside what its methods return; told apart by `type`. */
export type SaverEvent =
  | FallBackEvent
  | CheckpointSizeEvent
  | CheckpointGrowthEvent
  | FlushFailedEvent
  | KeepLastFailedEvent
  | RestoreFailedEvent
  | ThreadSizeEvent;

/** Where a saver reports to. */
export type ReportEvent = (event: SaverEvent) => void;

/** Reports an event as a warning of the process, as Node.js prints them. */
export function emitWarning(event: SaverEvent): void {
  // The caller gets the error.
  if (event.type === "restore-failed") return;
  process.emitWarning(describeEvent(event), { type: "ThreadkeepWarning", code: chooseCode(event) });
}

function chooseCode(event: SaverEvent): string {
  if (event.type === "checkpoint-size") return "CHECKPOINT_TOO_LARGE";
  if (event.type === "checkpoint-growth") return "CHECKPOINT_GROWTH";
  if (event.type === "flush-failed") return "FLUSH_FAILED";
  if (event.type === "keep-last-failed") return "KEEP_LAST_FAILED";
  if (event.type === "thread-size") return "THREAD_TOO_LARGE";
  return ThreadkeepError.isInstance(event.error) ? event.error.code : "RESTORE_FAILED";
}

/** An event in a sentence or two. */
export function describeEvent(event: SaverEvent): string {
  if (event.type === "restore-failed") {
    return event.error instanceof Error ? event.error.message : String(event.error);
  }
  if (event.type === "checkpoint-growth") {
    return (
      `Checkpoint ${event.checkpointId} of thread "${event.threadId}" added ${event.addedBytes} bytes, and ` +
      `takes ${event.bytes} now. Steps of this saver usually add ${event.usualBytes}.`
    );
  }
  if (event.type === "keep-last-failed") {
    const { threadId, error } = event;
    const reason = error instanceof Error ? error.message : String(error);
    return `Thread "${threadId}" could not be pruned to what keepLast asks for: ${reason} A later put tries again.`;
  }
  if (event.type === "thread-size") {
    return (
      `Thread "${event.threadId}" takes ${event.bytes} bytes with ${event.checkpoints} checkpoints, more than the ` +
      `soft limit of ${event.limitBytes}. saver.prune removes checkpoints, and the option keepLast does so as it grows.`
    );
  }
  if (event.type === "flush-failed") {
    const { threadId, checkpoints, isKept, error } = event;
    const reason = error instanceof Error ? error.message : String(error);
    const outcome = isKept ? "They are kept and tried again." : "They are lost.";
    return `${checkpoints} checkpoints of thread "${threadId}" that were buffered could not be stored: ${reason} ${outcome}`;
  }
  if (event.type === "fall-back") {
    const instead =
      event.returnedCheckpointId === undefined
        ? "It is left out of the list."
        : `Its ancestor ${event.returnedCheckpointId} is returned instead.`;
    return `${event.error.message} ${instead}`;
  }
  const [largest] = event.largestChannels;
  return (
    `Checkpoint ${event.checkpointId} of thread "${event.threadId}" takes ${event.bytes} bytes, more ` +
    `than the ${event.limit} limit of ${event.limitBytes}. Its largest channel: ` +
    `${JSON.stringify(largest?.channel)}, ${largest?.bytes} bytes.`
  );
}
