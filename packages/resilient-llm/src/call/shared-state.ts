import type { Candidate } from "../candidate/candidate.ts";
import type { BudgetBook } from "../cost/budget-book.ts";
import type { CostTracker } from "../cost/cost-tracker.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { EventHub } from "../events/events.ts";
import type { ConcurrencyLimit } from "./concurrency-limit.ts";
import type { HedgeQuota } from "./hedge-quota.ts";
import type { SharedLedger } from "./shared-ledger.ts";

/** What all calls of a model share, and those of the models derived from it. */
export interface SharedState {
  /** Every endpoint of every model, in the order of the chain. */
  readonly candidates: readonly Candidate[];
  /** The same, the endpoints of each model together. */
  readonly models: readonly (readonly Candidate[])[];
  readonly options: ResolvedOptions;
  readonly costs: CostTracker;
  readonly budgets: BudgetBook;
  /** `undefined`: the model has no ledger. */
  readonly ledger: SharedLedger | undefined;
  readonly events: EventHub;
  /** Counts the calls that run. */
  readonly concurrency: ConcurrencyLimit;
  /** `undefined`: calls are not hedged. */
  readonly hedgeQuota: HedgeQuota | undefined;
}
