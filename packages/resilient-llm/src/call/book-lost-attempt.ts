import type { Spender } from "../cost/budget-book.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { SharedState } from "./shared-state.ts";

/**
 * Books an attempt of a process that died before it could. A candidate that is not in the chain any more has no
 * price here.
 */
export function bookLostAttempt(
  { budgets, candidates, costs }: SharedState,
  spender: Spender,
  name: string,
  usage: TokenUsage,
): void {
  const candidate = candidates.find((other) => other.name === name);
  const cost = candidate?.costs.costOf(usage);
  costs.book({
    candidate: name,
    spender,
    usage,
    costUsd: cost?.usd,
    costSource: cost?.source,
    outcome: "aborted",
    opensCall: false,
  });
  if (!candidate) return;
  const tokens = usage.inputTokens + usage.outputTokens;
  budgets.spend({ spender, payer: candidate.payer }, { costUsd: cost?.usd, tokens });
}
