import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MongoClient } from "mongodb";
import { asUsageError } from "../command-line-error.ts";

/** By what costs can be added up. */
export const DIMENSIONS = ["day", "thread", "run", "user", "model"] as const;

/** By what costs are added up. */
export type Dimension = (typeof DIMENSIONS)[number];

/** What some requests used and cost, as the ledger says it. */
export interface CostTotals {
  readonly calls: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly unpricedAttempts: number;
}

/** The same of one thread, run, user, model or day. */
export interface CostSum extends CostTotals {
  readonly key: string | undefined;
}

/** Which requests count. */
export interface CostFilter {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly threadId?: string | undefined;
  readonly runId?: string | undefined;
  readonly userId?: string | undefined;
  readonly model?: string | undefined;
}

/** What is used of the ledger. */
export interface Ledger {
  sum(
    dimension: Dimension,
    query: CostFilter & { readonly limit?: number | undefined },
  ): Promise<readonly CostSum[]>;
  total(filter: CostFilter): Promise<CostTotals>;
}

interface LedgerPackage {
  readonly MongoDBCostLedger: new (options: {
    readonly client: MongoClient;
    readonly dbName: string;
    readonly collectionName?: string;
  }) => Ledger;
}

const PACKAGE = "@threadkeep/resilient-llm";

/**
 * Opens the ledger of a model. Its package knows how it is stored, and is that of the project at hand: who only uses
 * the saver does not need it.
 *
 * @throws CommandLineError if the project does not have the package
 */
export async function openLedger(options: {
  readonly client: MongoClient;
  readonly dbName: string;
  readonly collectionName?: string;
}): Promise<Ledger> {
  const { MongoDBCostLedger } = await loadPackage(process.cwd());
  return new MongoDBCostLedger(options);
}

async function loadPackage(folder: string): Promise<LedgerPackage> {
  let file: string;
  try {
    file = createRequire(join(folder, "package.json")).resolve(`${PACKAGE}/mongo`);
  } catch {
    throw asUsageError(
      `Costs are read by ${PACKAGE}, which cannot be loaded from ${folder}. Run this in the folder of the project ` +
        `whose models have a ledger, or install it there: npm install ${PACKAGE}.`,
    );
  }
  return (await import(pathToFileURL(file).href)) as LedgerPackage;
}
