import type { BudgetNotice } from "../cost/budget.ts";
import type { CostSource } from "../cost/model-costs.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { Failure } from "../failure/failure.ts";
import type { SimulatedFaultKind } from "../failure/simulated-fault-kind.ts";
import type { JournalKey } from "../journal/call-journal.ts";

/** State of a circuit breaker. */
export type BreakerState = "closed" | "open" | "half-open";

/** What every event of an attempt carries. */
export interface AttemptReference {
  /** Unique for each call of the model. */
  readonly callId: string;
  /** The attempt's number within the call, from 1. */
  readonly attempt: number;
  /** The candidate's name. */
  readonly candidate: string;
  /** The model's name at the endpoint. */
  readonly model: string;
  /** The model's maker, as given or guessed. */
  readonly provider: string;
  /** The endpoint's name as given, else its host. */
  readonly endpoint: string;
  /** The endpoint's address, without passwords and keys. */
  readonly baseUrl: string;
}

/** What an attempt used, whatever its outcome. */
export interface AttemptResult extends AttemptReference {
  /** Milliseconds from its start to its end. */
  readonly durationMs: number;
  /** Milliseconds to the first content. Undefined without a stream, or if none came. */
  readonly firstTokenMs: number | undefined;
  /** The tokens that it used. */
  readonly usage: TokenUsage;
  /** Its cost in USD; `undefined` if it is not known. */
  readonly costUsd: number | undefined;
  /** Where `costUsd` comes from; `undefined` if it is not known or nothing was used. */
  readonly costSource: CostSource | undefined;
  /** The fault that the option `simulateFaults` put in the way of its request, if it did. */
  readonly simulatedFault?: SimulatedFaultKind;
}

/** An attempt begins. */
export interface AttemptStartedEvent extends AttemptReference {
  /** Tells the kinds of events apart. */
  readonly type: "attempt-started";
  /** Whether the answer is streamed. */
  readonly streaming: boolean;
}

/** An attempt got an answer. */
export interface AttemptSucceededEvent extends AttemptResult {
  /** Tells the kinds of events apart. */
  readonly type: "attempt-succeeded";
  /** Why the model stopped, in the provider's words. */
  readonly finishReason: string | undefined;
  /** The provider's id of the answer. */
  readonly responseId: string | undefined;
  /** The model that answered, as the provider names it. */
  readonly responseModel: string | undefined;
}

/** An attempt failed. */
export interface AttemptFailedEvent extends AttemptResult {
  /** Tells the kinds of events apart. */
  readonly type: "attempt-failed";
  /** What went wrong. */
  readonly failure: Failure;
}

/** An attempt was ended from here: by the caller, or because another attempt was quicker. */
export interface AttemptAbortedEvent extends AttemptResult {
  /** Tells the kinds of events apart. */
  readonly type: "attempt-aborted";
}

/** The same candidate is asked again after a wait. */
export interface RetryEvent {
  /** Tells the kinds of events apart. */
  readonly type: "retry";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The candidate's name. */
  readonly candidate: string;
  /** The wait in milliseconds. */
  readonly delayMs: number;
  /** Whether the provider named the wait. */
  readonly hinted: boolean;
}

/** Another candidate is asked. */
export interface FallbackEvent {
  /** Tells the kinds of events apart. */
  readonly type: "fallback";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The candidate that failed. */
  readonly from: string;
  /** The candidate that is asked now. */
  readonly to: string;
  /** Why the first one failed. */
  readonly because: Failure;
}

/** An answer is late, and the next candidate is asked too. The quicker one answers. */
export interface HedgeEvent {
  /** Tells the kinds of events apart. */
  readonly type: "hedge";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The candidate that is late. */
  readonly late: string;
  /** The candidate that is asked too. */
  readonly hedge: string;
  /** Milliseconds that the call waited for the first one. */
  readonly afterMs: number;
}

/** A candidate's circuit breaker has changed. */
export interface BreakerEvent {
  /** Tells the kinds of events apart. */
  readonly type: "breaker";
  /** The candidate's name. */
  readonly candidate: string;
  /** Its new state. */
  readonly state: BreakerState;
}

/** The counter of a rate limit cannot be reached. The attempt is made without being counted. */
export interface RateLimiterFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "rate-limiter-failed";
  /** The candidate's name. */
  readonly candidate: string;
  /** What the counter threw. */
  readonly error: unknown;
}

/** Latencies could not be exchanged. Until they can, the limits follow the latencies of this process. */
export interface LatencyStoreFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "latency-store-failed";
  /** The candidate's name. */
  readonly candidate: string;
  /** What the store threw. */
  readonly error: unknown;
}

/** What was streamed is void. The answer begins again. */
export interface StreamRestartedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "stream-restarted";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The text that is void. */
  readonly discardedText: string;
}

/** Another attempt continues the answer where it broke off. */
export interface StreamContinuedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "stream-continued";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The text so far. */
  readonly keptText: string;
}

/** The oldest messages of a prompt were left out. */
export interface ContextTrimmedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "context-trimmed";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The number of messages that were left out. */
  readonly removedMessages: number;
  /** Estimated tokens of the prompt that is left. */
  readonly estimatedTokens: number;
}

/** The provider asked for a longer pause than `retry.maxBlockMs` allows. */
export interface WaitHintBoundedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "wait-hint-bounded";
  /** The call that it belongs to, as in {@link AttemptReference}. */
  readonly callId: string;
  /** The candidate's name. */
  readonly candidate: string;
  /** Milliseconds that the provider asked for. */
  readonly hintMs: number;
  /** Milliseconds for which the candidate is left alone. */
  readonly blockedForMs: number;
}

/** Other calls have reserved what is left of a budget. This one waits until they are settled. */
export interface BudgetWaitEvent {
  /** Tells the kinds of events apart. */
  readonly type: "budget-wait";
  /** The candidate's name. */
  readonly candidate: string;
}

/** 50, 80 or 100 % of a budget are spent. */
export interface BudgetReachedEvent extends BudgetNotice {
  /** Tells the kinds of events apart. */
  readonly type: "budget-reached";
}

/** The journal had the answer, so nobody was asked. */
export interface JournalReplayedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "journal-replayed";
  /** The call that was answered. */
  readonly key: JournalKey;
}

/** The journal had part of the answer, which is continued. */
export interface JournalResumedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "journal-resumed";
  /** The call that goes on. */
  readonly key: JournalKey;
  /** The text that is kept. */
  readonly keptText: string;
}

/** What an earlier process asked for has been picked up, so it is not asked for again. */
export interface JournalPickedUpEvent {
  /** Tells the kinds of events apart. */
  readonly type: "journal-picked-up";
  /** The call that goes on. */
  readonly key: JournalKey;
  /** The candidate's name. */
  readonly candidate: string;
  /** Who had it: the provider, as a response made in the background, or the keeper. */
  readonly from: "provider" | "keeper";
}

/** The keeper could not be used. The request goes directly to the provider, and ends with this process. */
export interface KeeperFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "keeper-failed";
  /** The call. */
  readonly key: JournalKey;
  /** What went wrong. */
  readonly error: unknown;
}

/** Another process makes the same call. Its answer is waited for. */
export interface JournalWaitEvent {
  /** Tells the kinds of events apart. */
  readonly type: "journal-wait";
  /** The call. */
  readonly key: JournalKey;
}

/** The journal could not be read or written, or what it held cannot be used. The call goes on without. */
export interface JournalFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "journal-failed";
  /** The call. */
  readonly key: JournalKey;
  /** What went wrong. */
  readonly error: unknown;
}

/**
 * The ledger could not be reached, or did not answer in time. What could not be booked is kept in this process and
 * booked as soon as that is possible.
 */
export interface LedgerFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "ledger-failed";
  /** What was to be done. */
  readonly operation: "book" | "reserve";
  /** What went wrong. */
  readonly error: unknown;
}

/** Something that happened inside a {@link ResilientChatModel}, reported at once; told apart by `type`. */
export type ResilienceEvent =
  | AttemptStartedEvent
  | AttemptSucceededEvent
  | AttemptFailedEvent
  | AttemptAbortedEvent
  | RetryEvent
  | FallbackEvent
  | HedgeEvent
  | BreakerEvent
  | RateLimiterFailedEvent
  | LatencyStoreFailedEvent
  | StreamRestartedEvent
  | StreamContinuedEvent
  | WaitHintBoundedEvent
  | BudgetWaitEvent
  | BudgetReachedEvent
  | ContextTrimmedEvent
  | JournalReplayedEvent
  | JournalResumedEvent
  | JournalPickedUpEvent
  | KeeperFailedEvent
  | JournalWaitEvent
  | JournalFailedEvent
  | LedgerFailedEvent;

/** Receives events. What it throws becomes a warning of the process: an observer cannot break a call. */
export type ResilienceListener = (event: ResilienceEvent) => void;

/** Hands events to any number of listeners. */
export class EventHub {
  readonly #listeners = new Set<ResilienceListener>();

  /** Calls `listener` for every event. The returned function ends the subscription. */
  subscribe(listener: ResilienceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether anybody listens. Events that nobody sees need not be made. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Tells every listener. */
  emit(event: ResilienceEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`A listener of ResilientChatModel threw: ${String(error)}`);
      }
    }
  }
}
