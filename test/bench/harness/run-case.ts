import { startMongoDB } from "@threadkeep/local-mongodb";
import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import type { Case } from "./benchmark.ts";
import { startDelayProxy } from "./delay-proxy.ts";
import { forkCaseProcess, type ForkOptions } from "./fork-case-process.ts";
import type { Mode } from "./mode.ts";
import type { Row } from "./row.ts";
import { needsServer, type Database } from "./savers.ts";

/** A case's result and where it stored. */
export interface CaseResult {
  readonly row: Row;
  /** One line about the server; undefined if there was none. */
  readonly server: string | undefined;
}

/**
 * Runs a case in a new process on a new database: of a new server, or of the server of `MONGODB_URI`
 * if it is set. A case that fails gives a row that says why.
 */
export async function runCase(
  order: Case,
  { clientBulkWrite, rttMs }: Mode,
  options: ForkOptions,
): Promise<CaseResult> {
  if (!needsServer(order.saver)) {
    return {
      row: await attempt(order, () => forkCaseProcess({ case: order }, options)),
      server: undefined,
    };
  }
  await using server = await startMongoDB({ log: () => {} });
  const name = `threadkeep_bench_${randomBytes(6).toString("hex")}`;
  await using proxy = rttMs === 0 ? undefined : await startDelayProxy(server.uri, rttMs);
  const database: Database = {
    uri: proxy?.uri ?? server.uri,
    directUri: server.uri,
    name,
    clientBulkWrite,
    serverPid: server.pid,
  };
  try {
    const row = await attempt(order, () => forkCaseProcess({ case: order, database }, options));
    return { row, server: server.description };
  } finally {
    // On a server of the user's, nothing may stay behind.
    await dropDatabase(database);
  }
}

async function attempt(order: Case, run: () => Promise<Row>): Promise<Row> {
  try {
    return await run();
  } catch (error) {
    const { benchmark, ...rest } = order;
    return {
      case: benchmark,
      ...rest,
      error: error instanceof Error ? error.message : String(error),
    };
  }
}

async function dropDatabase({ directUri, name }: Database): Promise<void> {
  const client = new MongoClient(directUri);
  try {
    await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}
