import type { CostEntry } from "../cost/cost-account.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { CallRequest } from "./call-request.ts";
import type { SharedState } from "./shared-state.ts";

/** An attempt as far as its process has told of it. */
interface LostAttempt {
  readonly id: string;
  /** The name of the candidate that was asked. */
  readonly candidate: string;
  readonly usage: TokenUsage;
}

/**
 * Books an attempt of a process that died before it could. A candidate that is not in the chain any more has no
 * price here.
 */
export function bookLostAttempt(
  { budgets, candidates, costs }: SharedState,
  { spender, tab }: Pick<CallRequest, "spender" | "tab">,
  { candidate: name, id, usage }: LostAttempt,
): void {
  const candidate = candidates.find((other) => other.name === name);
  const cost = candidate?.costs.costOf(usage);
  const entry: CostEntry = {
    candidate: name,
    spender,
    usage,
    costUsd: cost?.usd,
    costSource: cost?.source,
    outcome: "aborted",
    opensCall: false,
  };
  costs.book(entry);
  const tokens = usage.inputTokens + usage.outputTokens;
  // What that process has booked before it died is not booked twice: the ledger knows the id.
  tab?.bookLost({ ...entry, id, model: candidate?.model ?? name }, { costUsd: cost?.usd, tokens });
  if (!candidate) return;
  budgets.spend({ spender, payer: candidate.payer }, { costUsd: cost?.usd, tokens });
}
