import { interrupt } from "@langchain/langgraph";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";

/** Mark an interrupt that ends by itself. They are part of what is stored, so they never change. */
const WAKE_AT = "threadkeep_wake_at_ms";
const WAKE_AFTER = "threadkeep_wake_after_ms";

/** Marks an answer that the time has given. */
const WOKEN = "threadkeep_woken";

/** A hundred years. What lies further ahead is a mistake. */
const MAX_SLEEP_MS = 100 * 365 * 24 * 60 * 60 * 1_000;

/** What an interrupt that ends by itself holds. */
interface TimedInterrupt {
  readonly [WAKE_AT]?: number;
  readonly [WAKE_AFTER]?: number;
  readonly question?: unknown;
}

/** What came of a {@link waitForAnswer}. */
export type Answer<T> =
  | {
      /** There is an answer. */
      readonly isAnswered: true;
      /** The answer. */
      readonly value: T;
    }
  | {
      /** The time was over. */
      readonly isAnswered: false;
    };

/** What a timed interrupt is answered with when its time has come. */
export const TIME_IS_OVER: Readonly<Record<string, true>> = { [WOKEN]: true };

/**
 * Lets a run sleep: its process may end meanwhile. The node begins anew when the time has come, as after each
 * `interrupt`, and the call returns then. A `RecoveryWorker` wakes the run. Outside of a run, whoever resumes the
 * graph does.
 *
 * @param durationMs milliseconds, from when the run begins to wait
 * @throws InvalidOptionsError if it is no number from 0 to a hundred years
 */
export function durableSleep(durationMs: number): void {
  checkDuration("durableSleep", durationMs);
  // A duration, because the clock of this process does not count.
  interrupt({ [WAKE_AFTER]: durationMs });
}

/**
 * Lets a run sleep until a moment, like {@link durableSleep}.
 *
 * @throws InvalidOptionsError if it is no valid date
 */
export function sleepUntil(moment: Date): void {
  if (!(moment instanceof Date) || Number.isNaN(moment.getTime())) {
    throw new InvalidOptionsError(
      `Invalid argument of sleepUntil: expected a valid Date, got ${describeValue(moment)}.`,
    );
  }
  interrupt({ [WAKE_AT]: moment.getTime() });
}

/**
 * Asks a question and waits for the answer for a time. Like `interrupt`, but the time may end it too.
 *
 * @param question what `runs.get` shows as the interrupt's value
 * @param options.timeoutMs milliseconds, from when the run begins to wait
 * @throws InvalidOptionsError if the time is no number from 0 to a hundred years
 *
 * @example
 * ```ts
 * const answer = waitForAnswer({ question: "Publish?" }, { timeoutMs: 86_400_000 });
 * if (!answer.isAnswered) return { status: "expired" };
 * ```
 */
export function waitForAnswer<T = unknown>(
  question: unknown,
  options: { readonly timeoutMs: number },
): Answer<T> {
  const { timeoutMs } = options;
  checkDuration("waitForAnswer", timeoutMs);
  const value: unknown = interrupt({ [WAKE_AFTER]: timeoutMs, question });
  return isTimeOver(value) ? { isAnswered: false } : { isAnswered: true, value: value as T };
}

/** What an interrupt asks, and when it ends by itself. */
export interface ReadInterrupt {
  readonly question: unknown;
  /** The moment, in milliseconds since 1970; undefined without one. */
  readonly wakeAtMs: number | undefined;
}

/** @param nowMs the server's time, from which durations count */
export function readInterrupt(value: unknown, nowMs: number): ReadInterrupt {
  const timed: Partial<TimedInterrupt> = typeof value === "object" && value !== null ? value : {};
  const { [WAKE_AT]: atMs, [WAKE_AFTER]: afterMs, question } = timed;
  if (typeof atMs === "number") return { question, wakeAtMs: atMs };
  if (typeof afterMs === "number") return { question, wakeAtMs: nowMs + afterMs };
  return { question: value, wakeAtMs: undefined };
}

function isTimeOver(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, WOKEN);
}

function checkDuration(owner: string, durationMs: unknown): void {
  if (typeof durationMs === "number" && durationMs >= 0 && durationMs <= MAX_SLEEP_MS) return;
  throw new InvalidOptionsError(
    `Invalid duration of ${owner}: expected milliseconds from 0 to ${MAX_SLEEP_MS}, got ` +
      `${describeValue(durationMs)}.`,
  );
}
