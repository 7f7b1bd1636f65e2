import { setTimeout as sleep } from "node:timers/promises";
import { WriteConflictError } from "../errors/write-conflict-error.ts";

/** Enough for half a dozen writers that put into one namespace without a pause. */
const MAX_ATTEMPTS = 50;
const MAX_DELAY_MS = 50;

/** After so many attempts it is looked whether damage is in the way, and again now and then. */
const LOOKS_AFTER: ReadonlySet<number> = new Set([3, 12, MAX_ATTEMPTS]);

/**
 * Repeats a write until no other writer gets in first, after short random waits.
 *
 * @param attempt does the write; returns undefined if something was in the way
 * @param look throws if that is no other writer but a damaged document, which no attempt gets around
 * @throws WriteConflictError if the attempts are used up
 */
export async function retryConflicts<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  look: () => Promise<void>,
): Promise<T> {
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (LOOKS_AFTER.has(attempts)) await look();
    await sleep(Math.random() * Math.min(MAX_DELAY_MS, 2 ** attempts));
  }
  throw new WriteConflictError(
    `Could not save ${what}: other writers got in first ${MAX_ATTEMPTS} times in a row. ` +
      "Nothing was stored; try again, and check that not many runs work on one thread at once.",
  );
}
