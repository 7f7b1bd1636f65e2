import type { Candidate } from "../candidate/candidate.ts";
import type { BudgetBook } from "../cost/budget-book.ts";
import type { CostLedger } from "../cost/cost-ledger.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { EventHub } from "../events/events.ts";
import type { ConcurrencyLimit } from "./concurrency-limit.ts";
import type { HedgeQuota } from "./hedge-quota.ts";

/** What all calls of a model share, and those of the models derived from it. */
export interface SharedState {
  /** Every endpoint of every model, in the order of the chain. */
  readonly candidates: readonly Candidate[];
  /** The same, the endpoints of each model together. */
  readonly models: readonly (readonly Candidate[])[];
  readonly options: ResolvedOptions;
  readonly costs: CostLedger;
  readonly budgets: BudgetBook;
  readonly events: EventHub;
  /** Counts the calls that run. */
  readonly concurrency: ConcurrencyLimit;
  /** `undefined`: calls are not hedged. */
  readonly hedgeQuota: HedgeQuota | undefined;
}
