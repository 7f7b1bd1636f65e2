import { z } from "zod";
import { wholeNumber } from "./shared-options.ts";

/** How a saver, a store or a cache gets over outages of the database. */
export interface RetrySettings {
  /**
   * What becomes of a command that does not get through: no primary, a lost connection, a server that
   * shuts down, a timeout, a write conflict. It is tried again after random waits that grow from 0.1 s to
   * 2 s. No attempt begins later than `deadlineMs` after the first one: then the call throws a
   * `StorageUnavailableError`. A command whose reply was lost is never carried out twice. 0 tries once.
   *
   * @default { deadlineMs: 30_000 }
   */
  retry?: { readonly deadlineMs?: number | undefined } | undefined;

  /**
   * Milliseconds for which a connection may be silent while it has a command to answer. Then it is
   * closed, and the command is tried again on another one; so a half-open connection, which the network
   * has dropped without a word, holds a call for no longer. Commands that go through very many documents
   * have eight times, builds of indexes forty times as long.
   *
   * @default 10_000
   */
  operationTimeoutMs?: number | undefined;
}

/** The options of {@link RetrySettings}, checked. */
export const retryOptions: {
  readonly retry: z.ZodPrefault<
    z.ZodObject<{ deadlineMs: z.ZodDefault<z.ZodNumber> }, z.core.$strict>
  >;
  readonly operationTimeoutMs: z.ZodDefault<z.ZodNumber>;
} = {
  retry: z.strictObject({ deadlineMs: z.number().nonnegative().default(30_000) }).prefault({}),
  // Less would give up on a server that is just busy; more is beyond what a timer can wait.
  operationTimeoutMs: wholeNumber.min(100).max(3_600_000).default(10_000),
};
