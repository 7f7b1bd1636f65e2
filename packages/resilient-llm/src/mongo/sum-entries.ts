import type { Collection, Document } from "mongodb";
import type { CostTotals } from "../cost/cost-account.ts";
import { fromPicoUsd } from "../cost/pico-usd.ts";
import type { EntryDocument } from "./entry-document.ts";
import { readWhole } from "./whole-numbers.ts";

/** A sum as the server computes it. Money comes as text: a number would be rounded from 9,007 USD on. */
interface SumDocument {
  readonly _id: string | null;
  readonly calls: number;
  readonly attempts: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly unpriced: number;
  readonly estimated: number;
  readonly cost: string;
  readonly reported: string;
}

const COUNTS = [
  "input_tokens",
  "cached_input_tokens",
  "cache_write_input_tokens",
  "output_tokens",
  "reasoning_tokens",
] as const;

const countIf = (condition: unknown): Document => ({ $sum: { $cond: [condition, 1, 0] } });

/** What entries that match add up to, in groups. */
export async function sumEntries(
  collection: Collection<EntryDocument>,
  match: Document,
  by: unknown,
  finish: readonly Document[] = [],
): Promise<readonly (CostTotals & { readonly key: string | undefined })[]> {
  const isReported = { $eq: ["$cost_source", "provider"] };
  const documents = await collection
    .aggregate<SumDocument>([
      { $match: match },
      {
        $group: {
          _id: by,
          calls: countIf("$opens_call"),
          attempts: { $sum: 1 },
          ...Object.fromEntries(COUNTS.map((name) => [name, { $sum: `$${name}` }])),
          unpriced: countIf("$is_unpriced"),
          estimated: countIf("$is_estimated"),
          cost: { $sum: "$cost_pico_usd" },
          reported: { $sum: { $cond: [isReported, "$cost_pico_usd", 0] } },
        },
      },
      ...finish,
      { $addFields: { cost: { $toString: "$cost" }, reported: { $toString: "$reported" } } },
    ])
    .toArray();
  return documents.map((sum) => ({
    key: sum._id ?? undefined,
    calls: sum.calls,
    attempts: sum.attempts,
    inputTokens: sum.input_tokens,
    cachedInputTokens: sum.cached_input_tokens,
    cacheWriteInputTokens: sum.cache_write_input_tokens,
    outputTokens: sum.output_tokens,
    reasoningTokens: sum.reasoning_tokens,
    costUsd: fromPicoUsd(readWhole(sum.cost)),
    reportedCostUsd: fromPicoUsd(readWhole(sum.reported)),
    unpricedAttempts: sum.unpriced,
    estimatedAttempts: sum.estimated,
  }));
}
