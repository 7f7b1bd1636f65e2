import type { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageUnavailableError } from "../errors/storage-unavailable-error.ts";
import { isTransient } from "./transient-errors.ts";

/** Upper bound of the wait before the second attempt, in milliseconds. A restart takes longer. */
const BASE_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;

/** The driver's own limits are to come first: they say more of what is wrong. */
const SLACK_MS = 500;

/** How long commands are tried for. */
export interface RetryLimits {
  /** No attempt begins later than this after the first one. */
  readonly deadlineMs: number;
  /** A connection without any data for so long while it waits for a reply is given up. */
  readonly operationTimeoutMs: number;
}

/** A call that is tried until it gets through. */
export interface Operation<T> {
  /** What is done to what, for messages. */
  readonly name: string;
  readonly attempt: (attempt: Attempt) => Promise<T>;
  /** Called before each further attempt with what became of the last one. */
  readonly onRetry?: ((failure: unknown) => void) | undefined;
  /** By what factor it may take longer than others. */
  readonly timeFactor?: number | undefined;
}

/** What one attempt has to know. */
export interface Attempt {
  /**
   * To be given to the driver: it closes a connection that is silent for so long. Of all time limits
   * of the driver, this one is the connection's alone: it asks nothing of the server, and any client
   * takes it with any other option.
   */
  readonly socketTimeoutMS: number;
}

/** Nothing came back within the time of an attempt; what becomes of it is not waited for. */
class AttemptTimeoutError extends Error {
  override readonly name: string = "AttemptTimeoutError";

  constructor(limitMs: number) {
    super(`there was no answer within ${limitMs / 1_000} s`);
  }
}

/** Whether an attempt was given up on, and may still be under way. */
export function isAbandoned(failure: unknown): boolean {
  return failure instanceof AttemptTimeoutError;
}

/** Tries commands again while the trouble is of the kind that passes. */
export class RetryPolicy {
  readonly limits: RetryLimits;

  constructor(limits: RetryLimits) {
    this.limits = limits;
  }

  /**
   * @throws StorageUnavailableError if it has not got through in time. Other errors are the driver's
   */
  async run<T>(client: MongoClient, operation: Operation<T>): Promise<T> {
    const { name, attempt, onRetry, timeFactor = 1 } = operation;
    const trial = new Trial(this.limits);
    for (;;) {
      try {
        return await limitTime(
          () => attempt({ socketTimeoutMS: this.limits.operationTimeoutMs * timeFactor }),
          trial.limitAttempt(timeFactor),
        );
      } catch (error) {
        if (!isTransient(error)) throw error;
        const delayMs = trial.countFailure(name, error);
        onRetry?.(error);
        await sleep(delayMs);
        await reconnect(client, error);
      }
    }
  }
}

/** Counts the attempts at one thing, and says when it is enough. */
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
   * How long one attempt is waited for, whatever its connection does: a driver that waits for a connection
   * which is gone is given up on while there is time for another attempt.
   *
   * @param timeFactor by what factor it may take longer than others
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
   * @throws StorageUnavailableError if there is no time for another one
   */
  countFailure(operation: string, cause: unknown): number {
    this.#attempts += 1;
    const delayMs = chooseDelay(this.#attempts);
    if (this.leftMs > delayMs) return delayMs;
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
 * Ends the wait for something after a time, whatever becomes of it.
 *
 * @throws AttemptTimeoutError, which is transient, if the time is over
 */
export async function limitTime<T>(attempt: () => Promise<T>, limitMs: number): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  // Longer than a timer can wait is for ever.
  const waitMs = Math.min(limitMs + SLACK_MS, 2 ** 31 - 1);
  const timer = setTimeout(() => reject(new AttemptTimeoutError(limitMs)), waitMs);
  try {
    return await Promise.race([attempt(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A client whose first connect found no server stays without one until it is told to connect again.
 * One that was closed, and so has no topology any more, stays closed.
 */
export async function reconnect(client: MongoClient, error: unknown): Promise<void> {
  const { topology } = client as { readonly topology?: unknown };
  if ((error as Error).name !== "MongoTopologyClosedError" || topology === undefined) return;
  // Whether it gets through, the next attempt shows.
  await client.connect().catch(() => undefined);
}
