import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import type { CheckpointName } from "./find-target.ts";

/** Where a thread goes back to, and what becomes of what came after. */
export interface RollbackOptions {
  /**
   * The id of a checkpoint of the root graph, a label, or how many steps before the latest. A text that is both an
   * id and a label means the id.
   */
  readonly to: CheckpointName;
  /**
   * Whether what came after is removed from the thread's history. It is kept aside for `backupDays`.
   *
   * @default false
   */
  readonly discard?: boolean | undefined;
  /**
   * For how many days `undoRollback` can undo it.
   *
   * @default 7
   */
  readonly backupDays?: number | undefined;
}

/** What to branch off, and where to. */
export interface ForkOptions {
  /** The checkpoint: see {@link RollbackOptions.to}. */
  readonly from: CheckpointName;
  /** The id of a thread that has no checkpoints. By default a new branch in the same thread. */
  readonly to?: string | undefined;
}

/** Checked options. */
export interface ResolvedRollback {
  readonly to: CheckpointName;
  readonly discard: boolean;
  readonly backupDays: number;
}

const nameSchema = z.union(
  [z.string().min(1), z.strictObject({ steps: z.number().int().min(1) })],
  "the id of a checkpoint, a label, or { steps }, a whole number from 1",
);

const rollbackSchema = z.strictObject({
  to: nameSchema,
  discard: z.boolean().default(false),
  backupDays: z.number().positive().max(3_650).default(7),
});

const forkSchema = z.strictObject({ from: nameSchema, to: z.string().optional() });

/** @throws InvalidOptionsError if something of the options is wrong or unknown */
export function checkRollback(options: unknown): ResolvedRollback {
  return checkOptions("rollback", rollbackSchema, options);
}

/** @throws InvalidOptionsError if something of the options is wrong or unknown */
export function checkFork(options: unknown): ForkOptions {
  return checkOptions("fork", forkSchema, options);
}
