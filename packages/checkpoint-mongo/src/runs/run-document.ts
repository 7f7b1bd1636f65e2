import type { StoredBytes } from "../driver/binary.ts";
import type { RunStatus } from "./run.ts";

/** A value of a run as it is stored: encoded as the saver encodes values. */
export interface StoredValue {
  /** The type that a user's serializer gave it; absent with this package's own encoding. */
  readonly type?: string;
  readonly data: StoredBytes;
  /** How `data` is compressed. */
  readonly compression?: string;
  /** The name of the key that `hash` was made with; absent without one. */
  readonly key_name?: string;
  /** Over the run, the place in it, and the value. */
  readonly hash: StoredBytes;
}

/** A run as it is stored. */
export interface RunDocument {
  /** The run's id. */
  readonly _id: string;
  readonly thread_id: string;
  /**
   * Empty for the one run that has the thread, otherwise the run's id. A unique index over thread and slot makes
   * sure that only one run has a thread.
   */
  readonly slot: string;
  readonly graph: string;
  readonly version?: string;
  readonly status: RunStatus;
  /** A hash of what the run was started with. */
  readonly request: StoredBytes;
  /** Input and config. */
  readonly input: StoredValue;
  /** How often the run was answered. */
  readonly turn: number;
  /** What the run waits for, with the checkpoint it waits at. */
  readonly waiting?: StoredValue;
  /** What it was answered. */
  readonly answer?: StoredValue;
  /** The interrupt that was answered; absent if the run had stopped at a breakpoint. */
  readonly answered?: string;
  /** The fencing token: how often the run was taken. */
  readonly token: number;
  /** How often it was taken since it last got further. */
  readonly attempts: number;
  /** The random name of the lease that is held, or was held last. */
  readonly lease?: string;
  /** Who holds it, for people. */
  readonly worker?: string;
  /** When somebody has to look at it: due, lease over, time to wake. Absent if nobody has to. */
  readonly wake_at?: Date;
  readonly cancel?: boolean;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
  readonly checkpoint_id?: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly ended_at?: Date;
  readonly expires_at?: Date;
}
