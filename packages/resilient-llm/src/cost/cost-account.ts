import type { Spender } from "./budget-book.ts";
import type { CostSource } from "./model-costs.ts";
import { fromPicoUsd, toPicoUsd } from "./pico-usd.ts";
import type { TokenUsage } from "./token-usage.ts";

/** What some attempts used and cost. */
export interface CostTotals {
  /** Calls of the model, however many attempts they took. */
  readonly calls: number;
  /** Requests to providers. */
  readonly attempts: number;
  /** Tokens of the prompts. */
  readonly inputTokens: number;
  /** Part of `inputTokens`: read from the provider's prompt cache. */
  readonly cachedInputTokens: number;
  /** Part of `inputTokens`: written to the provider's prompt cache. */
  readonly cacheWriteInputTokens: number;
  /** Tokens of the answers. */
  readonly outputTokens: number;
  /** Part of `outputTokens`: thinking. */
  readonly reasoningTokens: number;
  /** USD of all attempts whose cost is known. It is added up without rounding. */
  readonly costUsd: number;
  /** Part of `costUsd`: what providers themselves said. */
  readonly reportedCostUsd: number;
  /** Attempts that used tokens at an unknown price. Their cost is missing in `costUsd`. */
  readonly unpricedAttempts: number;
  /** Attempts whose tokens were estimated because the provider did not report them. */
  readonly estimatedAttempts: number;
}

/** One attempt as it is booked. */
export interface CostEntry {
  /** The name of the candidate that was asked. */
  readonly candidate: string;
  /** Thread, run and user that the call belongs to. */
  readonly spender: Spender;
  /** The tokens that it used. */
  readonly usage: TokenUsage;
  /** Its cost in USD; `undefined` if it is not known. */
  readonly costUsd: number | undefined;
  /** Where `costUsd` comes from; `undefined` if it is not known or nothing was used. */
  readonly costSource: CostSource | undefined;
  /** How it ended. */
  readonly outcome: "succeeded" | "failed" | "aborted";
  /** Whether it is the first attempt of its call. */
  readonly opensCall: boolean;
}

/** Whether tokens were used at an unknown price. */
export function isUnpriced({ costUsd, usage }: Pick<CostEntry, "costUsd" | "usage">): boolean {
  return costUsd === undefined && usage.inputTokens + usage.outputTokens > 0;
}

type Counts = Omit<CostTotals, "costUsd" | "reportedCostUsd">;

/** Totals that grow. */
export class CostAccount {
  readonly #counts: { -readonly [Count in keyof Counts]: number } = {
    calls: 0,
    attempts: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    unpricedAttempts: 0,
    estimatedAttempts: 0,
  };
  #costPicoUsd = 0n;
  #reportedPicoUsd = 0n;

  /** Adds an attempt. */
  add(entry: CostEntry): void {
    const { costSource, costUsd = 0, opensCall, usage } = entry;
    const counts = this.#counts;
    counts.attempts += 1;
    counts.inputTokens += usage.inputTokens;
    counts.cachedInputTokens += usage.cachedInputTokens;
    counts.cacheWriteInputTokens += usage.cacheWriteInputTokens;
    counts.outputTokens += usage.outputTokens;
    counts.reasoningTokens += usage.reasoningTokens;
    if (opensCall) counts.calls += 1;
    if (usage.estimated) counts.estimatedAttempts += 1;
    if (isUnpriced(entry)) counts.unpricedAttempts += 1;
    const picoUsd = toPicoUsd(costUsd);
    this.#costPicoUsd += picoUsd;
    if (costSource === "provider") this.#reportedPicoUsd += picoUsd;
  }

  /** The totals now; what is added later does not change them. */
  get totals(): CostTotals {
    return {
      ...this.#counts,
      costUsd: fromPicoUsd(this.#costPicoUsd),
      reportedCostUsd: fromPicoUsd(this.#reportedPicoUsd),
    };
  }
}
