import { z } from "zod";
import type { CostDimension, CostQuery } from "../cost/cost-ledger.ts";
import { checkOptions } from "../options/check-options.ts";
import { positiveCount } from "../options/value-schemas.ts";

/** So many sums are given unless a query says otherwise. */
export const DEFAULT_SUMS = 1_000;

const date = z.date({ error: "a valid Date" });
const text = z.string();

const schema = z
  .strictObject({
    dimension: z.enum(["thread", "run", "user", "model", "day"]).optional(),
    from: date.optional(),
    to: date.optional(),
    threadId: text.optional(),
    runId: text.optional(),
    userId: text.optional(),
    model: text.optional(),
    limit: positiveCount.optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, "from before to");

/**
 * Checks what a ledger is asked.
 *
 * @throws InvalidOptionsError if part of it cannot be used
 */
export function checkQuery(query: CostQuery, dimension?: CostDimension): void {
  checkOptions("a query of the costs", schema, { ...query, dimension });
}
