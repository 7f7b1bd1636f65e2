import type { CorruptCheckpointError } from "../errors/index.ts";

/** A damaged checkpoint was met and passed over, as `onCorruption: "fall-back"` asks for. */
export interface FallBackEvent {
  readonly type: "fall-back";
  /** What is damaged. */
  readonly error: CorruptCheckpointError;
  /** The checkpoint that is returned instead; undefined where a list leaves the damaged one out. */
  readonly returnedCheckpointId: string | undefined;
}

/** What a saver reports beside what its methods return; told apart by `type`. */
export type SaverEvent = FallBackEvent;

/** Where a saver reports to. */
export type ReportEvent = (event: SaverEvent) => void;

/** Reports an event as a warning of the process, as Node.js prints them. */
export function emitWarning(event: SaverEvent): void {
  const instead =
    event.returnedCheckpointId === undefined
      ? "It is left out of the list."
      : `Its ancestor ${event.returnedCheckpointId} is returned instead.`;
  process.emitWarning(`${event.error.message} ${instead}`, {
    type: "ThreadkeepWarning",
    code: event.error.code,
  });
}
