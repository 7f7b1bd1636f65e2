import { CostAccount, type CostEntry, type CostTotals } from "./cost-account.ts";
import { RecentlyUsedMap } from "./recently-used-map.ts";

/** Totals, and the same by model, by thread and by run. */
export interface CostSnapshot extends CostTotals {
  /** By the name of the candidate. */
  readonly byModel: Readonly<Record<string, CostTotals>>;
  /** By `configurable.thread_id`, for the latest 10,000; calls outside of a thread are not in it. */
  readonly byThread: Readonly<Record<string, CostTotals>>;
  /** By `configurable.run_id`, for the latest 10,000; calls that name no run are not in it. */
  readonly byRun: Readonly<Record<string, CostTotals>>;
}

interface Accounts {
  get(name: string): CostAccount | undefined;
  set(name: string, account: CostAccount): unknown;
}

function bookTo(accounts: Accounts, name: string, entry: CostEntry): void {
  const account = accounts.get(name) ?? new CostAccount();
  account.add(entry);
  accounts.set(name, account);
}

/** The accounts as they are now, by name. */
function copyAccounts(accounts: Iterable<[string, CostAccount]>): Record<string, CostTotals> {
  return Object.fromEntries(Array.from(accounts, ([name, account]) => [name, account.totals]));
}

/** What a model has used and cost since it was made or since `reset`. */
export class CostTracker {
  #totals = new CostAccount();
  readonly #byModel = new Map<string, CostAccount>();
  readonly #byThread = new RecentlyUsedMap<CostAccount>();
  readonly #byRun = new RecentlyUsedMap<CostAccount>();
  readonly #listeners = new Set<(entry: CostEntry) => void>();

  /** The totals now; later calls do not change it. */
  snapshot(): CostSnapshot {
    return {
      ...this.#totals.totals,
      byModel: copyAccounts(this.#byModel),
      byThread: copyAccounts(this.#byThread),
      byRun: copyAccounts(this.#byRun),
    };
  }

  /** Starts again from nothing. Budgets stay as they are. */
  reset(): void {
    this.#totals = new CostAccount();
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
    this.#totals.add(entry);
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
