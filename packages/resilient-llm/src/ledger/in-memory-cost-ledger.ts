import { findPeriodStart } from "../cost/budget-period.ts";
import type { Expense } from "../cost/budget.ts";
import { CostAccount, type CostTotals } from "../cost/cost-account.ts";
import type { Clock } from "../time/clock.ts";
import {
  addAmounts,
  type Amount,
  findRoom,
  NO_AMOUNT,
  toAmount,
  toExpense,
} from "../cost/budget-room.ts";
import type {
  BudgetState,
  CostDimension,
  CostFilter,
  CostLedger,
  CostQuery,
  CostSum,
  LedgerBudget,
  LedgerEntry,
  LedgerReservation,
  ReservationResult,
} from "../cost/cost-ledger.ts";
import { CostReports } from "./cost-reports.ts";
import { checkQuery, DEFAULT_SUMS } from "./check-query.ts";

interface KeptEntry {
  readonly entry: LedgerEntry;
  readonly atMs: number;
}

interface KeptReservation extends Amount {
  untilMs: number;
}

interface KeptBudget {
  startedAtMs: number;
  spent: Amount;
  readonly reservations: Map<string, KeptReservation>;
}

const DAY_CHARS = "2026-11-27".length;

function matches({ atMs, entry }: KeptEntry, filter: CostFilter): boolean {
  const { from, model, runId, threadId, to, userId } = filter;
  const { spender } = entry;
  return (
    (from === undefined || atMs >= from.getTime()) &&
    (to === undefined || atMs < to.getTime()) &&
    (threadId === undefined || spender.threadId === threadId) &&
    (runId === undefined || spender.runId === runId) &&
    (userId === undefined || spender.userId === userId) &&
    (model === undefined || entry.model === model)
  );
}

function readKey({ atMs, entry }: KeptEntry, dimension: CostDimension): string | undefined {
  const { model, spender } = entry;
  if (dimension === "day") return new Date(atMs).toISOString().slice(0, DAY_CHARS);
  if (dimension === "model") return model;
  if (dimension === "thread") return spender.threadId;
  return dimension === "run" ? spender.runId : spender.userId;
}

/**
 * A ledger in the memory of this process, for tests. It keeps every entry, and they are gone when the process ends.
 *
 * @example
 * ```ts
 * const ledger = new InMemoryCostLedger();
 * const model = new ResilientChatModel({ models, ledger });
 * console.log(await ledger.byThread());
 * ```
 */
export class InMemoryCostLedger extends CostReports implements CostLedger {
  readonly #entries = new Map<string, KeptEntry>();
  readonly #budgets = new Map<string, KeptBudget>();
  readonly #clock: Pick<Clock, "now">;

  /** @param clock the clock by which entries have their day, and reservations expire: by default the calendar's */
  constructor(clock: Pick<Clock, "now"> = Date) {
    super();
    this.#clock = clock;
  }

  /** Keeps an entry, once: if its id is known, nothing changes. */
  async book(entry: LedgerEntry): Promise<void> {
    if (this.#entries.has(entry.id)) return;
    this.#entries.set(entry.id, { entry, atMs: this.#clock.now() });
  }

  /** Adds entries up, by `dimension`. Days come in their order, everything else the dearest first. */
  override async sum(dimension: CostDimension, query: CostQuery = {}): Promise<readonly CostSum[]> {
    checkQuery(query, dimension);
    const accounts = new Map<string | undefined, CostAccount>();
    for (const kept of this.#list(query)) {
      const key = readKey(kept, dimension);
      const account = accounts.get(key) ?? new CostAccount();
      account.add(kept.entry);
      accounts.set(key, account);
    }
    const sums = Array.from(accounts, ([key, account]) => ({ key, ...account.totals }));
    const { limit = DEFAULT_SUMS } = query;
    if (dimension === "day") {
      return sums
        .toSorted((left, right) => (String(left.key) < String(right.key) ? -1 : 1))
        .slice(-limit);
    }
    return sums.toSorted((left, right) => right.costUsd - left.costUsd).slice(0, limit);
  }

  /** Adds entries up. */
  override async total(filter: CostFilter = {}): Promise<CostTotals> {
    checkQuery(filter);
    return this.#add(filter).totals;
  }

  /** Sets aside what a request may cost, if the budget has room for it. */
  async reserve(
    budget: LedgerBudget,
    { forecast, holdMs, id }: LedgerReservation,
  ): Promise<ReservationResult> {
    const kept = this.#open(budget);
    kept.reservations.delete(id);
    const reserved = this.#sumReserved(kept);
    const isShared = this.#listLive(kept).length > 0;
    const room = findRoom(budget.limits, forecast, { spent: kept.spent, reserved, isShared });
    if (room.verdict === "reserved") {
      kept.reservations.set(id, { ...room.taken, untilMs: this.#clock.now() + holdMs });
    }
    return {
      verdict: room.verdict,
      spent: toExpense(kept.spent),
      reserved: toExpense(this.#sumReserved(kept)),
    };
  }

  /** Lets a reservation last so many milliseconds more. One that has been settled stays so. */
  async renew(budget: LedgerBudget, id: string, holdMs: number): Promise<void> {
    const reservation = this.#open(budget).reservations.get(id);
    if (reservation) reservation.untilMs = this.#clock.now() + holdMs;
  }

  /** Counts what a request has cost in place of its reservation, once. */
  async settle(
    budget: LedgerBudget,
    id: string,
    actual: Expense,
  ): Promise<{ readonly before: Expense; readonly after: Expense } | undefined> {
    const kept = this.#open(budget);
    if (!kept.reservations.delete(id)) return undefined;
    const before = toExpense(kept.spent);
    kept.spent = addAmounts(kept.spent, toAmount(actual));
    return { before, after: toExpense(kept.spent) };
  }

  /** Where a budget stands. */
  async read(budget: LedgerBudget): Promise<BudgetState> {
    const kept = this.#open(budget);
    return { spent: toExpense(kept.spent), reserved: toExpense(this.#sumReserved(kept)) };
  }

  #list(filter: CostFilter): KeptEntry[] {
    return Array.from(this.#entries.values()).filter((kept) => matches(kept, filter));
  }

  #add(filter: CostFilter): CostAccount {
    const account = new CostAccount();
    for (const { entry } of this.#list(filter)) account.add(entry);
    return account;
  }

  #open({ counts, id, period }: LedgerBudget): KeptBudget {
    const startedAtMs = period === undefined ? 0 : findPeriodStart(period, this.#clock.now());
    let kept = this.#budgets.get(id);
    if (!kept) {
      const { costUsd, inputTokens, outputTokens } = this.#add({
        ...counts,
        from: new Date(startedAtMs),
      }).totals;
      const spent = toAmount({ costUsd, tokens: inputTokens + outputTokens });
      kept = { spent, startedAtMs, reservations: new Map() };
      this.#budgets.set(id, kept);
    }
    if (kept.startedAtMs !== startedAtMs) Object.assign(kept, { startedAtMs, spent: NO_AMOUNT });
    return kept;
  }

  #listLive({ reservations }: KeptBudget): KeptReservation[] {
    const nowMs = this.#clock.now();
    return Array.from(reservations.values()).filter(({ untilMs }) => untilMs > nowMs);
  }

  #sumReserved(kept: KeptBudget): Amount {
    let sum = NO_AMOUNT;
    for (const reservation of this.#listLive(kept)) sum = addAmounts(sum, reservation);
    return sum;
  }
}
