import type { ReportEvent } from "../context/events.ts";
import type { HealthMonitor } from "../health/health-monitor.ts";
import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";

/** A `put` or `putWrites` that takes its turn in a buffer. It can be carried out again. */
export interface SavingCall {
  readonly operation: "put" | "putWrites";
  readonly threadId: string;
  /** The fencing token under which it writes; undefined outside of leases. */
  readonly token: number | undefined;
  /** The saver's keys and serializer. Others cannot go on with what it has planned. */
  readonly owner: string;
  /** What it puts; undefined for pending writes. */
  readonly checkpoint:
    | { readonly address: CheckpointAddress; readonly parentCheckpointId: string | undefined }
    | undefined;
  /** Whether it is stored before the call returns, with all that is buffered. */
  readonly isUrgent: boolean;
  /** Whether only the server can tell if it is to be stored at all. */
  readonly isDecidedByServer: boolean;
  readonly report: ReportEvent;
  readonly health: HealthMonitor;
  /** Opens the database: each attempt has its own deadline. */
  readonly open: () => Promise<SaverContext>;
  /** @returns the checkpoint as it is stored */
  readonly act: (context: SaverContext) => Promise<CheckpointRecord | undefined>;
  /** What follows once a checkpoint is stored. */
  readonly finish: (context: SaverContext, record: CheckpointRecord) => Promise<void>;
}

/** Carries a call out, with what follows. */
export async function carryOut(call: SavingCall, context: SaverContext): Promise<void> {
  const record = await call.act(context);
  if (record !== undefined) await call.finish(context, record);
}
