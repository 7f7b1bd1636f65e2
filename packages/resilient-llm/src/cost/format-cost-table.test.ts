import { expect, it } from "vitest";
import { CostTracker, formatCostTable } from "../index.ts";
import { NO_USAGE } from "./token-usage.ts";

const spender = { threadId: undefined, runId: undefined };
const usage = { ...NO_USAGE, inputTokens: 12_000, cachedInputTokens: 500, outputTokens: 34 };

it("the table has a line per model and one for the sum, and says what has no price", () => {
  const ledger = new CostTracker();
  const attempt = { spender, usage, outcome: "succeeded", opensCall: true } as const;
  ledger.book({ ...attempt, candidate: "priced", costUsd: 0.25, costSource: "pricing" });
  ledger.book({ ...attempt, candidate: "unheard-of", costUsd: undefined, costSource: undefined });
  expect(formatCostTable(ledger.snapshot()).split("\n")).toEqual([
    "model       calls  attempts   input  cached  output                    USD",
    "--------------------------------------------------------------------------",
    "priced          1         1  12,000     500      34               0.250000",
    "unheard-of      1         1  12,000     500      34  0.000000 + 1 unpriced",
    "--------------------------------------------------------------------------",
    "total           2         2  24,000   1,000      68  0.250000 + 1 unpriced",
  ]);
});
