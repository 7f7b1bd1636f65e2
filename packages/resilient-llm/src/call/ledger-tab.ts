import type { Spender } from "../cost/budget-book.ts";
import type { Expense, Refusal, Reservation } from "../cost/budget.ts";
import type { LedgerEntry } from "../cost/cost-ledger.ts";
import type { SharedLedger, SharedReservationRequest } from "./shared-ledger.ts";

/** What one call has booked in the ledger, and how far that has got. */
export class LedgerTab {
  readonly #ledger: SharedLedger;
  readonly #spender: Spender;
  readonly #writes = new Set<Promise<void>>();

  constructor(ledger: SharedLedger, spender: Spender) {
    this.#ledger = ledger;
    this.#spender = spender;
  }

  /** Whether the call has budgets in the ledger to keep to. */
  get isLimited(): boolean {
    return this.#ledger.isLimited(this.#spender);
  }

  /** Reserves what an attempt may cost, or says why not. */
  reserve(request: Omit<SharedReservationRequest, "spender">): Promise<Reservation | Refusal> {
    return this.#ledger.reserve({ ...request, spender: this.#spender }, (settled) =>
      this.#note(settled),
    );
  }

  /** Books an attempt. */
  book(entry: LedgerEntry): void {
    this.#note(this.#ledger.book(entry));
  }

  /** Books an attempt of a process that died, and what it had reserved. */
  bookLost(entry: LedgerEntry, actual: Expense): void {
    this.book(entry);
    this.#note(this.#ledger.settleLost(entry.id, this.#spender, actual));
  }

  /** Returns when everything is booked, or that has taken too long. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
  }

  #note(write: Promise<void>): void {
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
  }
}
