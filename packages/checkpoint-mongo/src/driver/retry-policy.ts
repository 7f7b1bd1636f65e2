import type { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageUnavailableError } from "../errors/storage-unavailable-error.ts";
import { isTransient } from "./transient-errors.ts";

/** Half of the upper bound of the first wait. The bound doubles with each failure. */
const BASE_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;

/** The driver's own limits end first, because its errors say more.  */
const SLACK_MS = 500;

/** How long commands are tried. */
export interface RetryLimits {
  /** No attempt begins later after the first one. */
  readonly deadlineMs: number;
  /** A connection that waits for a reply and is silent for so long is given up. */
  readonly operationTimeoutMs: number;
  /** Counts what is tried again. */
  readonly onRetry?: (() => void) | undefined;
}

/** A call that is repeated until it gets through. */
export interface Operation<T> {
  /** The command and its collection, for messages. */
  readonly name: string;
  readonly attempt: (attempt: Attempt) => Promise<T>;
  /** Called before each further attempt, with the failure of the last one. */
  readonly onRetry?: ((failure: unknown) => void) | undefined;
  /** How many times the usual limit it may take. */
  readonly timeFactor?: number | undefined;
  /** Whether a failure that passes is thrown all the same, because the caller continues in another way. */
  readonly isLast?: ((failure: unknown) => boolean) | undefined;
}

/** The limits of one attempt. */
export interface Attempt {
  /**
   * For the driver: it closes a connection that is silent for so long. Unlike the other time limits of the
   * driver, this one does not involve the server, and goes together with all options of a client.
   */
  readonly socketTimeoutMS: number;
}

/** An attempt got no reply in time. Its outcome is not waited for. */
class AttemptTimeoutError extends Error {
  /** `"AttemptTimeoutError"`, also in minified code. */
  override readonly name: string = "AttemptTimeoutError";

  constructor(limitMs: number) {
    super(`there was no answer within ${limitMs / 1_000} s`);
  }
}

/** Whether an attempt was given up and may still be under way. */
export function isAbandoned(failure: unknown): boolean {
  return failure instanceof AttemptTimeoutError;
}

/** Repeats commands that failed for a reason that passes. */
export class RetryPolicy {
  readonly limits: RetryLimits;

  constructor(limits: RetryLimits) {
    this.limits = limits;
  }

  /**
   * @throws StorageUnavailableError if it did not get through in time. Other errors are the driver's
   */
  async run<T>(client: MongoClient, operation: Operation<T>): Promise<T> {
    const { name, attempt, onRetry, timeFactor = 1, isLast } = operation;
    const trial = new Trial(this.limits);
    for (;;) {
      try {
        return await limitTime(
          () => attempt({ socketTimeoutMS: this.limits.operationTimeoutMs * timeFactor }),
          trial.limitAttempt(timeFactor),
        );
      } catch (error) {
        if (!isTransient(error) || isLast?.(error) === true) throw error;
        const delayMs = trial.countFailure(name, error);
        onRetry?.(error);
        await sleep(delayMs);
        await reconnect(client, error);
      }
    }
  }
}

/** Counts the attempts of one operation, and ends them at the deadline. */
export class Trial {
  readonly #limits: RetryLimits;
  readonly #startedMs = performance.now();
  #attempts = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** Time until the deadline. */
  get leftMs(): number {
    return this.#limits.deadlineMs - (performance.now() - this.#startedMs);
  }

  /**
   * How long one attempt is waited for, whatever its connection does. A driver that waits for a dead
   * connection is given up while there is still time for another attempt.
   *
   * @param timeFactor how many times the usual limit it may take
   */
  limitAttempt(timeFactor = 1): number {
    const operationTimeoutMs = this.#limits.operationTimeoutMs * timeFactor;
    return Math.min(2 * operationTimeoutMs, Math.max(this.leftMs, operationTimeoutMs));
  }

  /** @see RetryLimits.operationTimeoutMs */
  get operationTimeoutMs(): number {
    return this.#limits.operationTimeoutMs;
  }

  /**
   * @returns how long to wait before the next attempt, in milliseconds
   * @throws StorageUnavailableError if there is no time for another attempt
   */
  countFailure(operation: string, cause: unknown): number {
    this.#attempts += 1;
    const delayMs = chooseDelay(this.#attempts);
    if (this.leftMs > delayMs) {
      this.#limits.onRetry?.();
      return delayMs;
    }
    const elapsedMs = Math.round(performance.now() - this.#startedMs);
    throw new StorageUnavailableError({ operation, attempts: this.#attempts, elapsedMs, cause });
  }
}

/**
 * A random wait up to a bound that doubles: the "full jitter" of
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
 *
 * @param failures so far, from 1
 */
export function chooseDelay(failures: number): number {
  return Math.random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures);
}

/**
 * Ends the wait for an attempt after a time. The attempt itself continues.
 *
 * @throws AttemptTimeoutError, which is transient, if the time is over
 */
export async function limitTime<T>(attempt: () => Promise<T>, limitMs: number): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  // The longest time of a timer, in place of Infinity.
  const waitMs = Math.min(limitMs + SLACK_MS, 2 ** 31 - 1);
  const timer = setTimeout(() => reject(new AttemptTimeoutError(limitMs)), waitMs);
  try {
    return await Promise.race([attempt(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Connects a client again whose first connect found no server: the driver does not do that by itself. A
 * client that was closed has no topology, and stays closed.
 */
export async function reconnect(client: MongoClient, error: unknown): Promise<void> {
  const { topology } = client as { readonly topology?: unknown };
  if ((error as Error).name !== "MongoTopologyClosedError" || topology === undefined) return;
  // The next attempt shows whether it got through.
  await client.connect().catch(() => undefined);
}
