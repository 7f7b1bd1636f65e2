import type { Spender } from "./budget-book.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";
import type { CostSource } from "./model-costs.ts";
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
  /** USD of all attempts whose cost is known. */
  readonly costUsd: number;
  /** Part of `costUsd`: what providers themselves said. */
  readonly reportedCostUsd: number;
  /** Attempts that used tokens at an unknown price. Their cost is missing in `costUsd`. */
  readonly unpricedAttempts: number;
  /** Attempts whose tokens were estimated because the provider did not report them. */
  readonly estimatedAttempts: number;
}

/** Totals, and the same by model, by thread and by run. */
export interface CostSnapshot extends CostTotals {
  /** By the name of the candidate. */
  readonly byModel: Readonly<Record<string, CostTotals>>;
  /** By `configurable.thread_id`, for the latest 10,000; calls outside of a thread are not in it. */
  readonly byThread: Readonly<Record<string, CostTotals>>;
  /** By `configurable.run_id`, for the latest 10,000; calls that name no run are not in it. */
  readonly byRun: Readonly<Record<string, CostTotals>>;
}

/** One attempt as the ledger books it. */
export interface CostEntry {
  /** The name of the candidate that was asked. */
  readonly candidate: string;
  /** Thread and run that the call belongs to. */
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

/** Totals that grow. */
type Account = { -readonly [Total in keyof CostTotals]: CostTotals[Total] };

const openAccount = (): Account => ({
  calls: 0,
  attempts: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costUsd: 0,
  reportedCostUsd: 0,
  unpricedAttempts: 0,
  estimatedAttempts: 0,
});

function add(account: Account, { costSource, costUsd, opensCall, usage }: CostEntry): void {
  account.attempts += 1;
  account.inputTokens += usage.inputTokens;
  account.cachedInputTokens += usage.cachedInputTokens;
  account.cacheWriteInputTokens += usage.cacheWriteInputTokens;
  account.outputTokens += usage.outputTokens;
  account.reasoningTokens += usage.reasoningTokens;
  if (opensCall) account.calls += 1;
  if (usage.estimated) account.estimatedAttempts += 1;
  if (costSource === "provider") account.reportedCostUsd += costUsd ?? 0;
  if (costUsd !== undefined) account.costUsd += costUsd;
  else if (usage.inputTokens + usage.outputTokens > 0) account.unpricedAttempts += 1;
}

interface Accounts {
  get(name: string): Account | undefined;
  set(name: string, account: Account): unknown;
}

function bookTo(accounts: Accounts, name: string, entry: CostEntry): void {
  const account = accounts.get(name) ?? openAccount();
  add(account, entry);
  accounts.set(name, account);
}

/** The accounts as they are now, by name. */
function copyAccounts(accounts: Iterable<[string, Account]>): Record<string, CostTotals> {
  return Object.fromEntries(Array.from(accounts, ([name, account]) => [name, { ...account }]));
}

/** What a model has used and cost since it was made or since `reset`. */
export class CostLedger {
  #totals = openAccount();
  readonly #byModel = new Map<string, Account>();
  readonly #byThread = new RecentlyUsedMap<Account>();
  readonly #byRun = new RecentlyUsedMap<Account>();
  readonly #listeners = new Set<(entry: CostEntry) => void>();

  /** The totals now; later calls do not change it. */
  snapshot(): CostSnapshot {
    return {
      ...this.#totals,
      byModel: copyAccounts(this.#byModel),
      byThread: copyAccounts(this.#byThread),
      byRun: copyAccounts(this.#byRun),
    };
  }

  /** Starts again from nothing. Budgets stay as they are. */
  reset(): void {
    this.#totals = openAccount();
    this.#byModel.clear();
    this.#byThread.clear();
    this.#byRun.clear();
  }

  /**
   * Calls `listener` for every attempt booked. What it throws becomes a warning of the process. The
   * returned function ends the subscription.
   */
  subscribe(listener: (entry: CostEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Adds an attempt that has ended.
   *
   * @internal
   */
  book(entry: CostEntry): void {
    const { threadId, runId } = entry.spender;
    add(this.#totals, entry);
    bookTo(this.#byModel, entry.candidate, entry);
    if (threadId !== undefined) bookTo(this.#byThread, threadId, entry);
    if (runId !== undefined) bookTo(this.#byRun, runId, entry);
    for (const listener of this.#listeners) {
      try {
        listener(entry);
      } catch (error) {
        // An observer cannot break a call.
        process.emitWarning(`A listener of the costs threw: ${String(error)}`);
      }
    }
  }
}
