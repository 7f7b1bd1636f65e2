import { randomUUID } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import type { WaitBounds } from "../cost/budget-book.ts";
import type { Expense, ExpenseForecast, Refusal, Reservation } from "../cost/budget.ts";
import { NO_USAGE } from "../cost/token-usage.ts";
import type { CallRequest } from "./call-request.ts";
import type { SharedState } from "./shared-state.ts";

/** Estimates of prompts may be this much too low. */
const ESTIMATE_HEADROOM = 1.25;

const NOTHING: Expense = { costUsd: 0, tokens: 0 };
const NO_FORECAST: ExpenseForecast = { upper: NOTHING, least: NOTHING };
const giveBackNothing = async (): Promise<void> => {};

/** The attempt may be made, and this was taken for it. */
export interface Grant {
  readonly verdict: "granted";
  /** The id of the attempt, under which the ledger knows it. */
  readonly attemptId: string;
  readonly isProbe: boolean;
  readonly reservation: Reservation;
  readonly giveBackRate: () => Promise<void>;
}

/** Whether an attempt may be made: yes, after a wait, or not at this price. */
export type Admission =
  | Grant
  | { readonly verdict: "wait"; readonly waitMs: number }
  | { readonly verdict: "refused"; readonly refusal: string };

/** What an attempt may use. Reads the whole prompt, so it is asked only where there are limits. */
function createForecast(
  { costs }: Candidate,
  messages: readonly BaseMessage[],
): () => ExpenseForecast {
  const inputTokens = Math.ceil(estimatePromptTokens(messages) * ESTIMATE_HEADROOM);
  const expect = (outputTokens: number): Expense => ({
    tokens: inputTokens + outputTokens,
    costUsd: costs.estimateUsd({ ...NO_USAGE, inputTokens, outputTokens }),
  });
  return () => {
    const { upperTokens, leastTokens } = costs.forecastOutput();
    return { upper: expect(upperTokens), least: expect(leastTokens) };
  };
}

/**
 * Asks budgets, breaker and rate limit. Takes nothing if one of them says no. Returns at once where
 * there is no rate limit, and budgets have room for it or never will.
 *
 * @param wait How long it may wait for what other calls have reserved. `undefined`: not at all.
 */
export function admitAttempt(
  shared: SharedState,
  { spender, tab }: Pick<CallRequest, "spender" | "tab">,
  candidate: Candidate,
  messages: readonly BaseMessage[],
  wait: WaitBounds | undefined,
): Admission | Promise<Admission> {
  const { budgets, events, options } = shared;
  const { name, payer, rateLimiter } = candidate;
  const sharing = tab?.isLimited === true ? tab : undefined;
  const isLimited = budgets.isLimited || sharing !== undefined || rateLimiter !== undefined;
  const forecast = isLimited ? createForecast(candidate, messages) : () => NO_FORECAST;
  const attemptId = randomUUID();
  const ownRoom = budgets.reserve({ spender, payer, model: name, forecast, wait });
  if (ownRoom instanceof Promise) events.emit({ type: "budget-wait", candidate: name });
  const reserved = sharing
    ? reserveShared(ownRoom, () =>
        sharing.reserve({ id: attemptId, candidate: name, forecast, wait }),
      )
    : ownRoom;
  const admit = (reservation: Reservation | Refusal) =>
    admitReserved(shared, candidate, { attemptId, reservation, forecast });
  if (!(reserved instanceof Promise)) return admit(reserved);
  return reserved.then((reservation) => {
    const nowMs = options.clock.now();
    const mayAsk = candidate.isPermitted(nowMs) && !candidate.isBlocked(nowMs);
    if ("refusal" in reservation || mayAsk) return admit(reservation);
    // Other calls have found out meanwhile that it is down: this one chooses again.
    reservation.settle(NOTHING);
    return { verdict: "wait", waitMs: 0 };
  });
}

/** Reserves with the ledger what has been reserved in this process. */
async function reserveShared(
  ownRoom: Reservation | Refusal | Promise<Reservation | Refusal>,
  reserve: () => Promise<Reservation | Refusal>,
): Promise<Reservation | Refusal> {
  const own = await ownRoom;
  if ("refusal" in own) return own;
  let shared: Reservation | Refusal;
  try {
    shared = await reserve();
  } catch (error) {
    own.settle(NOTHING);
    throw error;
  }
  if ("refusal" in shared) {
    own.settle(NOTHING);
    return shared;
  }
  const both = [own, shared];
  return {
    settle: (actual) => {
      for (const reservation of both) reservation.settle(actual);
    },
  };
}

function admitReserved(
  { events }: SharedState,
  candidate: Candidate,
  {
    attemptId,
    forecast,
    reservation,
  }: {
    readonly attemptId: string;
    readonly forecast: () => ExpenseForecast;
    readonly reservation: Reservation | Refusal;
  },
): Admission | Promise<Admission> {
  if ("refusal" in reservation) return { verdict: "refused", refusal: reservation.refusal };
  const { name, rateLimiter } = candidate;
  const isProbe = candidate.admit();
  const grant: Grant = {
    verdict: "granted",
    attemptId,
    isProbe,
    reservation,
    giveBackRate: giveBackNothing,
  };
  if (!rateLimiter) return grant;
  return rateLimiter.take(forecast().upper.tokens).then(
    (decision) => {
      if (decision.granted) return { ...grant, giveBackRate: decision.giveBack };
      candidate.release(isProbe);
      reservation.settle(NOTHING);
      return { verdict: "wait", waitMs: decision.waitMs };
    },
    (error: unknown) => {
      // The provider guards its limits by itself. A counter out of reach must not end the call.
      events.emit({ type: "rate-limiter-failed", candidate: name, error });
      return grant;
    },
  );
}

/** Gives everything back: the attempt is not made after all. */
export function withdrawGrant(
  candidate: Candidate,
  { isProbe, reservation, giveBackRate }: Grant,
): void {
  reservation.settle(NOTHING);
  candidate.release(isProbe);
  giveBackRate().catch(() => undefined);
}
