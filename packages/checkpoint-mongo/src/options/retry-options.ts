import { z } from "zod";
import { wholeNumber } from "./shared-options.ts";

/** How a saver, a store or a cache handles outages of the database. */
export interface RetrySettings {
  /**
   * How long a command is repeated that does not get through: no primary, a lost connection, a server that
   * shuts down, a timeout, a write conflict. The waits in between are random and grow up to 2 s. A command
   * whose reply was lost is never carried out twice.
   *
   * @default { deadlineMs: 30_000 }
   */
  retry?:
    | {
        /**
         * No attempt begins later than this many milliseconds after the first one. Then the call throws a
         * `StorageUnavailableError`. 0 tries once.
         *
         * @default 30_000
         */
        readonly deadlineMs?: number | undefined;
      }
    | undefined;

  /**
   * Milliseconds that a connection may be silent while it has to answer a command. Then it is closed, and the
   * command is repeated on another one. So a half-open connection, which the network has dropped silently,
   * holds up a call no longer. Builds of indexes have forty times as long.
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
  // With less, a busy server would be given up; more exceeds the longest time of a timer.
  operationTimeoutMs: wholeNumber.min(100).max(3_600_000).default(10_000),
};
