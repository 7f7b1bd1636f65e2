import type { Document } from "mongodb";
import { isUnpriced } from "../cost/cost-account.ts";
import type { CostDimension, CostFilter, LedgerEntry } from "../cost/cost-ledger.ts";
import { toPicoUsd } from "../cost/pico-usd.ts";
import { inMs, literal } from "./server-time.ts";
import { long } from "./whole-numbers.ts";

/** An entry as it is stored. Money is in whole trillionths of a dollar, as 64-bit integers. */
export interface EntryDocument extends Document {
  readonly _id: string;
  /** The server's time when it was booked. */
  readonly at: Date;
}

/** The fields of entries that say to whom they belong. Entries without one lack the field. */
const SPENDER_FIELDS = { thread_id: "threadId", run_id: "runId", user_id: "userId" } as const;

/** An update that stores an entry unless it is there. */
export function insertEntry(entry: LedgerEntry, ttlMs: number | undefined): Document[] {
  const { candidate, costSource, costUsd, id, model, opensCall, outcome, spender, usage } = entry;
  const document: Document = { _id: literal(id), at: "$$NOW" };
  for (const [field, name] of Object.entries(SPENDER_FIELDS)) {
    if (spender[name] !== undefined) document[field] = literal(spender[name]);
  }
  Object.assign(document, {
    model: literal(model),
    candidate: literal(candidate),
    outcome,
    opens_call: literal(opensCall),
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_input_tokens: usage.cacheWriteInputTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    is_estimated: literal(usage.estimated),
    is_unpriced: literal(isUnpriced(entry)),
  });
  if (costUsd !== undefined) document["cost_pico_usd"] = long(toPicoUsd(costUsd));
  if (costSource !== undefined) document["cost_source"] = costSource;
  if (ttlMs !== undefined) document["expires_at"] = inMs(ttlMs);
  const isNew = { $eq: [{ $type: "$at" }, "missing"] };
  return [{ $replaceWith: { $cond: [isNew, document, "$$ROOT"] } }];
}

/** The documents that a filter means. */
export function matchEntries({ from, model, runId, threadId, to, userId }: CostFilter): Document {
  const at = { ...(from && { $gte: from }), ...(to && { $lt: to }) };
  return {
    ...(threadId !== undefined && { thread_id: threadId }),
    ...(userId !== undefined && { user_id: userId }),
    ...(runId !== undefined && { run_id: runId }),
    ...(model !== undefined && { model }),
    ...(Object.keys(at).length > 0 && { at }),
  };
}

/** What entries are grouped by. */
export function groupBy(dimension: CostDimension): unknown {
  if (dimension === "day") return { $dateToString: { date: "$at", format: "%Y-%m-%d" } };
  return dimension === "model" ? "$model" : `$${dimension}_id`;
}
