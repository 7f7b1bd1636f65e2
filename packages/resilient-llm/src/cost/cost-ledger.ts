import type { Spender } from "./budget-book.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";
import type { TokenUsage } from "./token-usage.ts";

/** What some attempts used and cost. */
export interface CostTotals {
  readonly calls: number;
  readonly attempts: number;
  readonly inputTokens: number;
  /** Part of `inputTokens`. */
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
  /** USD of all attempts whose price is known. */
  readonly costUsd: number;
  /** Attempts that used tokens at a price nobody knows; their cost isn't in `costUsd`. */
  readonly unpricedAttempts: number;
  /** Attempts whose tokens were estimated because the provider didn't report them. */
  readonly estimatedAttempts: number;
}

/** Totals, and the same by model, by thread and by run. */
export interface CostSnapshot extends CostTotals {
  readonly byModel: Readonly<Record<string, CostTotals>>;
  /** By `configurable.thread_id`, for the latest 10,000; calls outside of a thread aren't in here. */
  readonly byThread: Readonly<Record<string, CostTotals>>;
  /** By `configurable.run_id`, for the latest 10,000; calls that name no run aren't in here. */
  readonly byRun: Readonly<Record<string, CostTotals>>;
}

/** One attempt as the ledger books it. */
export interface CostEntry {
  readonly candidate: string;
  readonly spender: Spender;
  readonly usage: TokenUsage;
  readonly costUsd: number | undefined;
  readonly outcome: "succeeded" | "failed" | "aborted";
  /** First attempt of its call. */
  readonly opensCall: boolean;
}

const nothing: CostTotals = {
  calls: 0,
  attempts: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costUsd: 0,
  unpricedAttempts: 0,
  estimatedAttempts: 0,
};

/** Named one by one: this runs several times per attempt, and copying by spread costs as much as the sum. */
function add(totals: CostTotals, { costUsd, opensCall, usage }: CostEntry): CostTotals {
  const isUnpriced = costUsd === undefined && usage.inputTokens + usage.outputTokens > 0;
  return {
    calls: totals.calls + (opensCall ? 1 : 0),
    attempts: totals.attempts + 1,
    inputTokens: totals.inputTokens + usage.inputTokens,
    cachedInputTokens: totals.cachedInputTokens + usage.cachedInputTokens,
    outputTokens: totals.outputTokens + usage.outputTokens,
    reasoningTokens: totals.reasoningTokens + usage.reasoningTokens,
    costUsd: totals.costUsd + (costUsd ?? 0),
    unpricedAttempts: totals.unpricedAttempts + (isUnpriced ? 1 : 0),
    estimatedAttempts: totals.estimatedAttempts + (usage.estimated ? 1 : 0),
  };
}

/** What a model has used and cost since it was made or since `reset`. */
export class CostLedger {
  #totals = nothing;
  readonly #byModel = new Map<string, CostTotals>();
  readonly #byThread = new RecentlyUsedMap<CostTotals>();
  readonly #byRun = new RecentlyUsedMap<CostTotals>();
  readonly #listeners = new Set<(entry: CostEntry) => void>();

  /** The totals now; later calls don't change it. */
  snapshot(): CostSnapshot {
    return {
      ...this.#totals,
      byModel: Object.fromEntries(this.#byModel),
      byThread: this.#byThread.toObject(),
      byRun: this.#byRun.toObject(),
    };
  }

  /** Starts again from nothing. Budgets aren't touched. */
  reset(): void {
    this.#totals = nothing;
    this.#byModel.clear();
    this.#byThread.clear();
    this.#byRun.clear();
  }

  /** Calls `listener` for every attempt booked; the returned function ends it. */
  subscribe(listener: (entry: CostEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @internal */
  book(entry: CostEntry): void {
    this.#totals = add(this.#totals, entry);
    this.#byModel.set(entry.candidate, add(this.#byModel.get(entry.candidate) ?? nothing, entry));
    const { threadId, runId } = entry.spender;
    if (threadId !== undefined) {
      this.#byThread.set(threadId, add(this.#byThread.get(threadId) ?? nothing, entry));
    }
    if (runId !== undefined) this.#byRun.set(runId, add(this.#byRun.get(runId) ?? nothing, entry));
    for (const listener of this.#listeners) listener(entry);
  }
}
