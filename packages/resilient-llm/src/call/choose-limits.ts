import type { TimeLimits } from "../attempt/time-limits.ts";
import type { AskedSize } from "../candidate/answer-times.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";

/** How an attempt is watched. */
export interface ChosenLimits {
  readonly limits: TimeLimits;
  /** A whole answer is to be asked for as a stream, so that a silence in it shows. */
  readonly prefersStream: boolean;
}

const CONNECT_MS = 30_000;
/** Some servers send no headers before they have read the prompt. Slow ones read 2,000 tokens a second. */
const READ_TOKEN_MS = 0.5;
/** Beside answers that take less on average, the processor time of a stream would count. */
const BRISK_ANSWER_MS = 400;

/**
 * Whether a whole answer is worth a stream: one that may take longer than the shortest limit. A
 * stream costs processor time per token, which is nothing beside the time that such an answer takes.
 */
function isWorthStream(
  candidate: Candidate,
  asked: AskedSize,
  { adaptive, adaptiveFloorMs }: ResolvedOptions["timeout"],
  isJournaled: boolean,
): boolean {
  const { canStream, isWatched } = candidate.inner;
  if (!canStream || !isWatched) return false;
  if ((candidate.recentTotalMs ?? Infinity) < BRISK_ANSWER_MS) return false;
  // Only of a stream there is a part to go on from.
  if (isJournaled) return true;
  if (adaptive === false) return false;
  return candidate.usualTotalMs(asked) > adaptiveFloorMs;
}

/**
 * The time limits of an attempt. An answer that is watched piece by piece needs no bound on the whole
 * but the ceiling. One that comes in one piece has the time that the longest one asked for may take.
 *
 * @param isStreamed The answer is handed on as a stream.
 * @param leftMs Until the call's deadline.
 * @param isJournaled What has come of the answer is written down.
 */
export function chooseLimits(
  candidate: Candidate,
  asked: AskedSize,
  isStreamed: boolean,
  timeout: ResolvedOptions["timeout"],
  leftMs: number,
  isJournaled = false,
): ChosenLimits {
  const prefersStream = !isStreamed && isWorthStream(candidate, asked, timeout, isJournaled);
  const totalMs = isStreamed || prefersStream ? candidate.longestMs : candidate.totalLimitMs(asked);
  const limits: TimeLimits = {
    connectMs: timeout.connectMs ?? CONNECT_MS + asked.promptTokens * READ_TOKEN_MS,
    firstTokenMs: candidate.firstTokenLimitMs(asked),
    idleMs: timeout.idleMs,
    totalMs: Math.min(totalMs, leftMs),
  };
  return { limits, prefersStream };
}
