import { z } from "zod";
import type { CallJournal } from "../journal/call-journal.ts";
import { objectWith } from "../options/value-schemas.ts";

/**
 * What a tool does to the world.
 *
 * - `none`: it only reads. If it was cut off, it runs again.
 * - `idempotent`: it acts, and acting twice with the same idempotency key is like acting once. It runs again with
 *   the same key.
 * - `once`: it acts, and must not act twice. If it was begun and did not end, a {@link ToolOutcomeUnknownError}
 *   stops the run for a human.
 */
export type SideEffects = "none" | "idempotent" | "once";

/** How the calls of a tool are journaled. */
export interface ToolJournalOptions {
  /** Where results are kept. */
  readonly journal: CallJournal;

  /**
   * What the tool does to the world. There is no default: only you know.
   */
  readonly sideEffects: SideEffects;

  /**
   * Milliseconds for which a call is its process's own. The process renews them as long as it lives.
   *
   * @default 5_000
   */
  readonly leaseMs?: number | undefined;
}

/** Options with their defaults. */
export interface ResolvedToolJournal {
  readonly journal: CallJournal;
  readonly sideEffects: SideEffects;
  readonly leaseMs: number;
}

/** What a tool does to the world. */
export const sideEffects: z.ZodEnum<{ none: "none"; idempotent: "idempotent"; once: "once" }> =
  z.enum(["none", "idempotent", "once"]);

/** A journal of any kind. */
export const journal: z.ZodCustom<CallJournal> = objectWith<CallJournal>(
  "open",
  "write",
  "deleteThread",
);

/** A shorter lease would end between two beats of a busy process. */
export const leaseMs: z.ZodDefault<z.ZodNumber> = z.number().min(100).default(5_000);
