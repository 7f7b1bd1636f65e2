import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import type { BudgetBook, Spender } from "../cost/budget-book.ts";
import type { CostLedger } from "../cost/cost-ledger.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { EventHub } from "../telemetry/events.ts";
import type { HedgeQuota } from "./hedge-quota.ts";

/** What the calls of one model share; derived models share it too. */
export interface CallContext {
  readonly candidates: readonly Candidate[];
  readonly options: ResolvedOptions;
  readonly costs: CostLedger;
  readonly budgets: BudgetBook;
  readonly events: EventHub;
  /** `undefined`: calls aren't hedged. */
  readonly hedgeQuota: HedgeQuota | undefined;
}

/** What is asked, by whom. */
export interface CallRequest {
  readonly messages: BaseMessage[];
  readonly options: CallOptions;
  readonly signal: AbortSignal | undefined;
  readonly spender: Spender;
  readonly streaming: boolean;
}
