import type { Spender } from "./budget-book.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";
import type { TokenUsage } from "./token-usage.ts";

/** What some attempts used and cost. */
export interface CostTotals {
  /** Calls of the model, however many attempts they took. */
  readonly calls: number;
  /** Requests to providers. */
  readonly attempts: number;
  /** Tokens of the prompts. */
  readonly inputTokens: number;
  /** Part of `inputTokens`. */
  readonly cachedInputTokens: number;
  /** Tokens of the answers. */
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
  /** By the name of the candidate. */
  readonly byModel: Readonly<Record<string, CostTotals>>;
  /** By `configurable.thread_id`, for the latest 10,000; calls outside of a thread aren't in here. */
  readonly byThread: Readonly<Record<string, CostTotals>>;
  /** By `configurable.run_id`, for the latest 10,000; calls that name no run aren't in here. */
  readonly byRun: Readonly<Record<string, CostTotals>>;
}

/** One attempt as the ledger books it. */
export interface CostEntry {
  /** The name of the candidate that was asked. */
  readonly candidate: string;
  /** Thread and run that the call belongs to. */
  readonly spender: Spender;
  /** Its tokens. */
  readonly usage: TokenUsage;
  readonly costUsd: number | undefined;
  /** How it ended. */
  readonly outcome: "succeeded" | "failed" | "aborted";
  /** First attempt of its call. */
  readonly opensCall: boolean;
}

/** Totals that grow. */
type Account = { -readonly [Total in keyof CostTotals]: CostTotals[Total] };

const openAccount = (): Account => ({
  calls: 0,
  attempts: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costUsd: 0,
  unpricedAttempts: 0,
  estimatedAttempts: 0,
});

function add(account: Account, { costUsd, opensCall, usage }: CostEntry): void {
  account.attempts += 1;
  account.inputTokens += usage.inputTokens;
  account.cachedInputTokens += usage.cachedInputTokens;
  account.outputTokens += usage.outputTokens;
  account.reasoningTokens += usage.reasoningTokens;
  if (opensCall) account.calls += 1;
  if (usage.estimated) account.estimatedAttempts += 1;
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

  /** The totals now; later calls don't change it. */
  snapshot(): CostSnapshot {
    return {
      ...this.#totals,
      byModel: copyAccounts(this.#byModel),
      byThread: copyAccounts(this.#byThread),
      byRun: copyAccounts(this.#byRun),
    };
  }

  /** Starts again from nothing. Budgets aren't touched. */
  reset(): void {
    this.#totals = openAccount();
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
    const { threadId, runId } = entry.spender;
    add(this.#totals, entry);
    bookTo(this.#byModel, entry.candidate, entry);
    if (threadId !== undefined) bookTo(this.#byThread, threadId, entry);
    if (runId !== undefined) bookTo(this.#byRun, runId, entry);
    for (const listener of this.#listeners) listener(entry);
  }
}
