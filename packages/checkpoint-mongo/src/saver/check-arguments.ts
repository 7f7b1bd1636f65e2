import { parseThreadId } from "../address/address.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";
import { MIN_SWEEP_GRACE_MS } from "../store/sweep-grace.ts";

const MIN_GRACE_SECONDS = MIN_SWEEP_GRACE_MS / 1_000;

/**
 * Checks the `limit` of `list`.
 *
 * @returns undefined for no limit
 * @throws InvalidOptionsError if it is no whole number from 0
 */
export function checkLimit(limit: unknown): number | undefined {
  if (limit === undefined || limit === Infinity) return undefined;
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 0) {
    throw new InvalidOptionsError(
      `Invalid option limit of list: expected a whole number from 0, got ${describeValue(limit)}.`,
    );
  }
  return limit;
}

/**
 * Checks the `filter` of `list`.
 *
 * @returns the entries that count: those that are not undefined
 * @throws InvalidOptionsError if it is no plain object
 */
export function checkFilter(filter: unknown): Record<string, unknown> {
  if (filter === undefined || filter === null) return {};
  if (!isPlainObject(filter)) {
    throw new InvalidOptionsError(
      "Invalid option filter of list: expected a plain object of metadata keys and values, got " +
        `${describeValue(filter)}.`,
    );
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/**
 * Checks the `graceSeconds` of `sweep`.
 *
 * @throws InvalidOptionsError if it is too short
 */
export function checkGrace(graceSeconds: unknown): number {
  if (typeof graceSeconds !== "number" || !(graceSeconds >= MIN_GRACE_SECONDS)) {
    throw new InvalidOptionsError(
      `Invalid option graceSeconds of sweep: expected at least ${MIN_GRACE_SECONDS} seconds, ` +
        `got ${describeValue(graceSeconds)}.`,
    );
  }
  return graceSeconds;
}

/**
 * Checks the threads of `prune`.
 *
 * @returns undefined for all
 * @throws InvalidOptionsError if it is no array, or all threads would be deleted
 * @throws InvalidAddressError if one of them is no string or empty
 */
export function checkThreadIds(
  threadIds: unknown,
  strategy: string,
): readonly string[] | undefined {
  const isAll = threadIds === undefined && strategy !== "delete";
  if (isAll) return undefined;
  if (!Array.isArray(threadIds)) {
    throw new InvalidOptionsError(
      `Invalid option threadIds of prune: expected an array of thread ids${
        strategy === "delete" ? ", since the strategy deletes them" : ", or undefined for all"
      }, got ${describeValue(threadIds)}.`,
    );
  }
  return threadIds.map(parseThreadId);
}

/**
 * Checks the runs of `deleteForRuns`.
 *
 * @throws InvalidOptionsError if they are no array of non-empty strings
 */
export function checkRunIds(runIds: unknown): readonly string[] {
  const isList =
    Array.isArray(runIds) && runIds.every((id) => typeof id === "string" && id.length > 0);
  if (isList) return runIds as readonly string[];
  throw new InvalidOptionsError(
    "Invalid option runIds of deleteForRuns: expected an array of non-empty strings, got " +
      `${Array.isArray(runIds) ? "an array with something else" : describeValue(runIds)}.`,
  );
}

/**
 * Checks the threads of `copyThread`.
 *
 * @throws InvalidAddressError if an id is no string or empty
 * @throws InvalidOptionsError if both are the same
 */
export function checkCopy(source: unknown, target: unknown): { source: string; target: string } {
  const ids = { source: parseThreadId(source), target: parseThreadId(target) };
  if (ids.source !== ids.target) return ids;
  throw new InvalidOptionsError(
    "Invalid option targetThreadId of copyThread: expected another thread than the source, got the same.",
  );
}
