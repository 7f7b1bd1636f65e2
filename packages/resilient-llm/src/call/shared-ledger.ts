import type { Spender, WaitBounds } from "../cost/budget-book.ts";
import { listNotices } from "../cost/budget-notices.ts";
import { explainLack } from "../cost/budget-room.ts";
import type { Expense, ExpenseForecast, Refusal, Reservation } from "../cost/budget.ts";
import type { LedgerBudget, LedgerEntry, ReservationResult } from "../cost/cost-ledger.ts";
import { LedgerUnavailableError } from "../errors/ledger-unavailable-error.ts";
import type { EventHub } from "../events/events.ts";
import { waitAtMost } from "../journal/wait-at-most.ts";
import { listLedgerBudgets } from "../ledger/ledger-budgets.ts";
import type { ResolvedLedger } from "../options/ledger-options.ts";
import { sleep } from "../time/sleep.ts";
import { LedgerWrites } from "./ledger-writes.ts";

/** What others have reserved is looked at again after so many ms, then after twice as long, … */
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1_000;

/** A reservation is renewed so many times before it would expire. */
const BEATS_PER_HOLD = 3;

const NOTHING: Expense = { costUsd: 0, tokens: 0 };

/** An attempt that is to be paid for from the budgets of the ledger. */
export interface SharedReservationRequest {
  /** The id of the attempt. */
  readonly id: string;
  readonly spender: Spender;
  readonly candidate: string;
  readonly forecast: () => ExpenseForecast;
  /** `undefined`: it does not wait. */
  readonly wait: WaitBounds | undefined;
}

/** Reserved with every budget, until it is settled. */
interface Held {
  readonly id: string;
  readonly budgets: readonly LedgerBudget[];
}

/** The ledger as the calls of one model use it: they book what they cost, and keep to the budgets in it. */
export class SharedLedger {
  readonly #options: ResolvedLedger;
  readonly #events: EventHub;
  readonly #writes: LedgerWrites;

  constructor(options: ResolvedLedger, events: EventHub) {
    this.#options = options;
    this.#events = events;
    this.#writes = new LedgerWrites(events, options.timeoutMs);
  }

  /** Whether calls of `spender` have budgets to keep to. */
  isLimited(spender: Spender): boolean {
    return this.#listBudgets(spender).length > 0;
  }

  /** Books an attempt. Returns when it is booked, or that has taken too long. */
  book(entry: LedgerEntry): Promise<void> {
    return this.#writes.write(() => this.#options.store.book(entry));
  }

  /**
   * Reserves with every budget that applies, one after the other, or says which one has no room. If another one
   * has to be waited for, nothing is held meanwhile.
   *
   * @param onSettle told of the write that settles the reservation
   * @throws LedgerUnavailableError if the ledger cannot be asked and nothing may be spent without it
   * @throws the signal's reason, when it aborts a wait
   */
  async reserve(
    { candidate, forecast, id, spender, wait }: SharedReservationRequest,
    onSettle: (settled: Promise<void>) => void,
  ): Promise<Reservation | Refusal> {
    const budgets = this.#listBudgets(spender);
    const inUsd = budgets.find(({ limits }) => limits.maxCostUsd !== undefined);
    const mustKnowPrice = this.#options.budget.onUnknownPrice !== "allow";
    if (inUsd && mustKnowPrice && forecast().upper.costUsd === undefined) {
      const refusal =
        `The price of ${candidate} is not known, so a budget in USD cannot be kept: give it pricing,` +
        ' or set ledger.budget.onUnknownPrice to "allow"';
      return { refusal };
    }
    let hasTold = false;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      const outcome = await this.#tryToReserve(budgets, id, forecast());
      if (!("mayWait" in outcome)) return this.#hold(outcome, onSettle);
      const { mayWait, refusal } = outcome;
      if (!mayWait || !wait) return { refusal };
      const leftMs = wait.deadlineMs - wait.clock.now();
      if (leftMs <= 0) {
        return { refusal: `${refusal}; what other calls had reserved was not settled in time` };
      }
      if (!hasTold) this.#events.emit({ type: "budget-wait", candidate });
      hasTold = true;
      await sleep(wait.clock, Math.min(waitMs, leftMs), wait.signal);
    }
  }

  /** Counts what an attempt has cost whose process has died, in place of what that had reserved. */
  settleLost(id: string, spender: Spender, actual: Expense): Promise<void> {
    return this.#settle({ id, budgets: this.#listBudgets(spender) }, actual);
  }

  #listBudgets(spender: Spender): readonly LedgerBudget[] {
    return listLedgerBudgets(this.#options.budget, spender);
  }

  async #tryToReserve(
    budgets: readonly LedgerBudget[],
    id: string,
    forecast: ExpenseForecast,
  ): Promise<Held | (Refusal & { readonly mayWait: boolean })> {
    const { budget: options, reservationMs: holdMs, store, timeoutMs } = this.#options;
    const held: LedgerBudget[] = [];
    for (const budget of budgets) {
      // Held from now on: a reservation whose reply is lost has to be given back, too.
      held.push(budget);
      let result: ReservationResult;
      try {
        const reserving = store.reserve(budget, { id, forecast, holdMs });
        result = await waitAtMost(reserving, timeoutMs, "The ledger");
      } catch (error) {
        this.#events.emit({ type: "ledger-failed", operation: "reserve", error });
        if (options.onUnavailable === "allow") continue;
        void this.#settle({ id, budgets: held }, NOTHING);
        throw new LedgerUnavailableError(budget.name, error);
      }
      if (result.verdict === "reserved") continue;
      await this.#settle({ id, budgets: held.slice(0, -1) }, NOTHING);
      const mayWait = result.verdict === "wait";
      const asked = mayWait ? forecast.upper : forecast.least;
      return { mayWait, refusal: explainLack(budget.name, budget.limits, result, asked) };
    }
    return { id, budgets: held };
  }

  #hold(held: Held, onSettle: (settled: Promise<void>) => void): Reservation {
    const { reservationMs, store } = this.#options;
    const beat = setInterval(() => {
      for (const budget of held.budgets) {
        store.renew(budget, held.id, reservationMs).catch(() => undefined);
      }
    }, reservationMs / BEATS_PER_HOLD);
    beat.unref();
    let isOpen = true;
    return {
      settle: (actual) => {
        if (!isOpen) return;
        isOpen = false;
        clearInterval(beat);
        onSettle(this.#settle(held, actual));
      },
    };
  }

  async #settle({ budgets, id }: Held, actual: Expense): Promise<void> {
    const settle = async (budget: LedgerBudget): Promise<void> => {
      const settled = await this.#options.store.settle(budget, id, actual);
      if (!settled) return;
      const { after, before } = settled;
      for (const notice of listNotices(budget.name, budget.limits, before, after)) {
        this.#events.emit({ type: "budget-reached", ...notice });
      }
    };
    await Promise.all(budgets.map((budget) => this.#writes.write(() => settle(budget))));
  }
}
