import { inspect } from "node:util";
import type { CheckpointAddress } from "./address.ts";

/** The fields in which checkpoints and pending writes carry their address, as they were read. */
interface Addressed {
  readonly thread_id: unknown;
  readonly checkpoint_ns: unknown;
  readonly checkpoint_id: unknown;
}

/**
 * Where a checkpoint or a set of pending writes says that it lies. Damage may have put anything in these
 * fields, so the address is for messages and for comparison with the address that was asked for.
 */
export function readAddress(document: Addressed): CheckpointAddress {
  return {
    threadId: toText(document.thread_id),
    checkpointNs: toText(document.checkpoint_ns),
    checkpointId: toText(document.checkpoint_id),
  };
}

/** A text, or a description of what is in its place. */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 0 });
}
