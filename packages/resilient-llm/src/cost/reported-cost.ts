import { type Fields, readFields } from "./read-fields.ts";

/** xAI counts in ticks: 10^10 of them are one USD (docs.x.ai, "Cost Tracking", 2026-11). */
const TICKS_PER_USD = 10_000_000_000;

function readUsd(value: unknown): number | undefined {
  const usd = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof usd === "number" && Number.isFinite(usd) && usd >= 0 ? usd : undefined;
}

/**
 * What the provider says an answer cost, in USD, from its usage object; `undefined` if it does not say.
 *
 * | field                               | who                                                   |
 * | ----------------------------------- | ----------------------------------------------------- |
 * | `cost`                              | OpenRouter and gateways like it; one credit is one USD |
 * | `cost_details.upstream_inference_cost` | OpenRouter with `is_byok`: what the key's owner pays on top |
 * | `cost.total_cost`                   | Perplexity                                            |
 * | `cost_in_usd_ticks`                 | xAI                                                   |
 * | `estimated_cost`                    | DeepInfra                                             |
 */
export function readReportedCost(usage: Fields): number | undefined {
  const cost = readUsd(usage["cost"]) ?? readUsd(readFields(usage["cost"])?.["total_cost"]);
  if (cost !== undefined) {
    const details = readFields(usage["cost_details"]);
    const upstream =
      usage["is_byok"] === true ? readUsd(details?.["upstream_inference_cost"]) : undefined;
    return cost + (upstream ?? 0);
  }
  const ticks = readUsd(usage["cost_in_usd_ticks"]);
  return ticks === undefined ? readUsd(usage["estimated_cost"]) : ticks / TICKS_PER_USD;
}

/**
 * What a LiteLLM proxy says a whole answer cost, in USD. It sends 0 where it has no price and the
 * headers of a stream before it knows: neither is a cost.
 */
export function readCostHeader(headers: Headers | undefined): number | undefined {
  const usd = readUsd(headers?.get("x-litellm-response-cost") ?? undefined);
  return usd === 0 ? undefined : usd;
}
