import type { CostTotals } from "../cost/cost-account.ts";
import type { CostDimension, CostFilter, CostQuery, CostSum } from "../cost/cost-ledger.ts";

/** The ways to look at what a ledger has booked. */
export abstract class CostReports {
  /** Adds entries up, by `dimension`. Days come in their order, everything else the dearest first. */
  abstract sum(dimension: CostDimension, query?: CostQuery): Promise<readonly CostSum[]>;

  /** Adds entries up. */
  abstract total(filter?: CostFilter): Promise<CostTotals>;

  /** What each thread has cost, the dearest first. */
  byThread(query?: CostQuery): Promise<readonly CostSum[]> {
    return this.sum("thread", query);
  }

  /** What each run has cost, the dearest first. */
  byRun(query?: CostQuery): Promise<readonly CostSum[]> {
    return this.sum("run", query);
  }

  /** What each user has cost, the dearest first. */
  byUser(query?: CostQuery): Promise<readonly CostSum[]> {
    return this.sum("user", query);
  }

  /** What each model has cost, the dearest first. */
  byModel(query?: CostQuery): Promise<readonly CostSum[]> {
    return this.sum("model", query);
  }

  /** What each day of UTC has cost, in their order. Days without a request are left out. */
  byDay(query?: CostQuery): Promise<readonly CostSum[]> {
    return this.sum("day", query);
  }
}
