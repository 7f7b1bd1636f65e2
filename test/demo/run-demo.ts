import { randomBytes } from "node:crypto";
import { temporaryDatabase, type LocalMongoDB } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { findModelServer } from "./worker/worker-model.ts";
import { DEMO_KILLS } from "./killing/kill-point.ts";
import { DEMO_OUTAGE } from "./model-server/demo-outage.ts";
import type { DemoOptions } from "./options.ts";
import { finalState } from "./proofs/final-state.ts";
import { proveRun } from "./proofs/prove-run.ts";
import { runThread } from "./run-thread.ts";
import { formatCosts } from "./terminal/costs.ts";
import { formatHeader } from "./terminal/header.ts";
import { formatProofs } from "./terminal/proof-table.ts";
import { formatReport } from "./terminal/report.ts";
import { Timeline } from "./terminal/timeline.ts";

/** Slow enough to follow, fast enough to wait for. */
const SCRIPTED_PACE = { firstTokenMs: 200, tokenMs: 12 };

/**
 * Runs the demo and shows it on the terminal.
 *
 * @param signal - Ends it early; the promise then rejects with the signal's reason.
 * @returns Whether every proof holds.
 */
export async function runDemo(
  mongodb: LocalMongoDB,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const print = (lines: readonly string[]): void => console.log(lines.join("\n"));
  const threadId = `incident-${randomBytes(3).toString("hex")}`;
  const modelServer = findModelServer(process.env);
  print(formatHeader({ threadId, modelUrl: modelServer?.baseUrl, sabotage: options.sabotage }));

  const client = new MongoClient(mongodb.uri);
  const database = temporaryDatabase(client);
  const startedAt = performance.now();
  try {
    const evidence = await runThread({
      threadId,
      mongodbUri: mongodb.uri,
      client,
      dbName: database.name,
      killPoints: DEMO_KILLS,
      model: modelServer ?? { scripted: SCRIPTED_PACE, outage: DEMO_OUTAGE },
      sabotage: options.sabotage,
      observer: new Timeline({ write: (line) => print([line]), verbose: options.verbose }),
      signal,
    });
    const proofs = proveRun(evidence);
    print(formatReport(finalState(evidence.history)["report"]));
    print(formatCosts(evidence));
    print(formatProofs(proofs, performance.now() - startedAt));
    return proofs.every(({ violations }) => violations.length === 0);
  } finally {
    await database.drop();
    await client.close();
  }
}
