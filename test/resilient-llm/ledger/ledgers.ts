import { temporaryDatabase } from "@threadkeep/local-mongodb";
import {
  type CostLedger,
  type CostReports,
  InMemoryCostLedger,
  type LedgerBudget,
  type LedgerEntry,
} from "@threadkeep/resilient-llm";
import { MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
import { randomUUID } from "node:crypto";
import { type Collection, MongoClient } from "mongodb";
import { afterAll, inject } from "vitest";

/** A ledger, as each of several processes has it. */
export interface TestLedger {
  readonly name: string;
  /** The ledger as a process has it that has just started. */
  readonly open: () => CostLedger & CostReports;
  /** The ledger of another test: nothing is booked in it. */
  readonly openNew: () => CostLedger & CostReports;
}

/** The ledger of one process. */
export function inMemory(): TestLedger {
  const ledger = new InMemoryCostLedger();
  return {
    name: "InMemoryCostLedger",
    open: () => ledger,
    openNew: () => new InMemoryCostLedger(),
  };
}

/** A ledger on MongoDB, in a database of the test file's own. */
export interface DatabaseLedger extends TestLedger {
  readonly client: MongoClient;
  readonly dbName: string;
  readonly entries: Collection;
  readonly budgets: Collection;
}

/** A ledger on the run's server, for one test file. */
export function useLedgerDatabase(): DatabaseLedger {
  const client = new MongoClient(inject("mongodbUri"));
  const database = temporaryDatabase(client);
  afterAll(async () => {
    await database.drop();
    await client.close();
  });
  let ledgers = 0;
  const openNew = (): MongoDBCostLedger => {
    ledgers += 1;
    return new MongoDBCostLedger({
      client,
      dbName: database.name,
      collectionName: `costs_${ledgers}`,
      budgetCollectionName: `budgets_${ledgers}`,
    });
  };
  return {
    name: "MongoDBCostLedger",
    client,
    dbName: database.name,
    entries: client.db(database.name).collection("threadkeep_costs"),
    budgets: client.db(database.name).collection("threadkeep_budgets"),
    open: () => new MongoDBCostLedger({ client, dbName: database.name }),
    openNew,
  };
}

/** An entry of a request that used something. */
export function entryOf(fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: randomUUID(),
    model: "m",
    candidate: "m@host",
    spender: { threadId: undefined, runId: undefined, userId: undefined },
    usage: {
      inputTokens: 100,
      cachedInputTokens: 40,
      cacheWriteInputTokens: 7,
      outputTokens: 20,
      reasoningTokens: 5,
      estimated: false,
      isUnmetered: false,
      reportedCostUsd: undefined,
    },
    costUsd: 0.1,
    costSource: "pricing",
    outcome: "succeeded",
    opensCall: true,
    ...fields,
  };
}

/** A budget in USD that counts everything. */
export function budgetOf(maxCostUsd: number, fields: Partial<LedgerBudget> = {}): LedgerBudget {
  return {
    id: `budget-${randomUUID()}`,
    name: "The budget",
    limits: { maxCostUsd },
    period: undefined,
    counts: {},
    ...fields,
  };
}
