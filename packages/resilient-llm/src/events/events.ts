import type { BudgetNotice } from "../cost/budget.ts";
import type { CostSource } from "../cost/model-costs.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { Failure } from "../failure/failure.ts";

/** State of a breaker. */
export type BreakerState = "closed" | "open" | "half-open";

/** What every event of an attempt carries. */
export interface AttemptReference {
  /** Unique per call of the model. */
  readonly callId: string;
  /** From 1 within the call. */
  readonly attempt: number;
  readonly candidate: string;
  /** The model's name as the endpoint knows it. */
  readonly model: string;
  readonly provider: string;
  readonly baseUrl: string;
}

/** What an attempt used, whatever became of it. */
export interface AttemptResult extends AttemptReference {
  readonly durationMs: number;
  /** Until the first content; streams only. */
  readonly firstTokenMs: number | undefined;
  readonly usage: TokenUsage;
  /** USD; `undefined` if it is not known. */
  readonly costUsd: number | undefined;
  /** Who says so; `undefined` if nobody knows or nothing was used. */
  readonly costSource: CostSource | undefined;
}

/** Something that happened inside a {@link ResilientChatModel}, as it happens. */
export type ResilienceEvent =
  | ({ readonly type: "attempt-started"; readonly streaming: boolean } & AttemptReference)
  | ({
      readonly type: "attempt-succeeded";
      readonly finishReason: string | undefined;
      readonly responseId: string | undefined;
      readonly responseModel: string | undefined;
    } & AttemptResult)
  | ({ readonly type: "attempt-failed"; readonly failure: Failure } & AttemptResult)
  | ({ readonly type: "attempt-aborted" } & AttemptResult)
  | {
      readonly type: "retry";
      readonly callId: string;
      readonly candidate: string;
      readonly delayMs: number;
      /** The provider named the delay. */
      readonly hinted: boolean;
    }
  | {
      readonly type: "fallback";
      readonly callId: string;
      readonly from: string;
      readonly to: string;
      readonly because: Failure;
    }
  | {
      /** The first token is late: the next candidate is asked too, and the quicker of the two answers. */
      readonly type: "hedge";
      readonly callId: string;
      readonly late: string;
      readonly hedge: string;
      /** How long the first one had been waited for. */
      readonly afterMs: number;
    }
  | { readonly type: "breaker"; readonly candidate: string; readonly state: BreakerState }
  | {
      /** The counter of a rate limit can't be reached; the attempt goes out uncounted. */
      readonly type: "rate-limiter-failed";
      readonly candidate: string;
      readonly error: unknown;
    }
  | {
      /** Latencies couldn't be exchanged; the limits follow those seen here until it works again. */
      readonly type: "latency-store-failed";
      readonly candidate: string;
      readonly error: unknown;
    }
  | {
      /** What had been streamed is void; the answer starts anew. */
      readonly type: "stream-restarted";
      readonly callId: string;
      readonly discardedText: string;
    }
  | {
      /** The next candidate takes the answer on where it broke off. */
      readonly type: "stream-continued";
      readonly callId: string;
      readonly keptText: string;
    }
  | {
      /** The provider asked for a longer pause than is believed (`retry.maxBlockMs`). */
      readonly type: "wait-hint-bounded";
      readonly callId: string;
      readonly candidate: string;
      /** What the provider asked for. */
      readonly hintMs: number;
      /** How long the candidate is left alone. */
      readonly blockedForMs: number;
    }
  | {
      /** What is left of a budget is reserved by other calls; this one waits until they are settled. */
      readonly type: "budget-wait";
      readonly candidate: string;
    }
  /** 50, 80 or 100 % of a budget are spent. */
  | ({ readonly type: "budget-reached" } & BudgetNotice)
  | {
      readonly type: "context-trimmed";
      readonly callId: string;
      readonly removedMessages: number;
      readonly estimatedTokens: number;
    };

/** Receives events. What it throws is dropped: an observer can't break a call. */
export type ResilienceListener = (event: ResilienceEvent) => void;

/** Hands events to any number of listeners. */
export class EventHub {
  readonly #listeners = new Set<ResilienceListener>();

  /** The returned function ends the subscription. */
  subscribe(listener: ResilienceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether anybody listens: events that nobody sees needn't be made. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

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
