import type { BaseMessage } from "@langchain/core/messages";
import type { AnswerCheck } from "../attempt/answer-check.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import type { CallAddress } from "../journal/call-address.ts";
import type { Spender } from "../cost/budget-book.ts";
import type { LedgerTab } from "./ledger-tab.ts";

/** What is asked, and by whom. */
export interface CallRequest {
  readonly messages: BaseMessage[];
  readonly options: CallOptions;
  readonly signal: AbortSignal | undefined;
  readonly spender: Spender;
  readonly streaming: boolean;
  /** What the answer has to be. `undefined`: any answer will do. */
  readonly check: AnswerCheck | undefined;
  /** The task that asks, if its answers are journaled. */
  readonly address: CallAddress | undefined;
  /** What it books in the ledger. `undefined`: the model has none. */
  readonly tab: LedgerTab | undefined;
}
