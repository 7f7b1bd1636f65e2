import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { collectionName, type MongoClientLike, mongoPlace } from "./options.ts";

/** Options of {@link MongoDBCostLedger}. */
export interface MongoDBCostLedgerOptions {
  /**
   * A client of the `mongodb` driver, 6.20 or later, in any copy of it, for example
   * `mongoose.connection.getClient()`. The ledger never closes it.
   */
  readonly client: MongoClientLike;

  /**
   * Database name.
   *
   * @default the database of the connection string, else `test`
   */
  readonly dbName?: string | undefined;

  /**
   * The collection of the entries, one for each request.
   *
   * @default "threadkeep_costs"
   */
  readonly collectionName?: string | undefined;

  /**
   * The collection of the budgets, one document for each.
   *
   * @default "threadkeep_budgets"
   */
  readonly budgetCollectionName?: string | undefined;

  /**
   * Seconds that an entry stays, by the server's clock. What has gone is missing in all sums.
   *
   * @default entries stay
   */
  readonly ttlSeconds?: number | undefined;
}

const schema = z
  .strictObject({
    ...mongoPlace,
    collectionName: collectionName.default("threadkeep_costs"),
    budgetCollectionName: collectionName.default("threadkeep_budgets"),
    ttlSeconds: z.number().positive().optional(),
  })
  .refine((given) => given.collectionName !== given.budgetCollectionName, {
    path: ["budgetCollectionName"],
    message: "another collection than collectionName",
  });

/** Checked options with their defaults. */
export interface ResolvedCostLedgerOptions {
  readonly client: MongoClientLike;
  readonly dbName: string | undefined;
  readonly collectionName: string;
  readonly budgetCollectionName: string;
  readonly ttlSeconds: number | undefined;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveCostLedgerOptions(
  options: MongoDBCostLedgerOptions,
): ResolvedCostLedgerOptions {
  const { dbName, ttlSeconds, ...rest } = checkOptions("MongoDBCostLedger", schema, options);
  return { ...rest, dbName, ttlSeconds };
}
