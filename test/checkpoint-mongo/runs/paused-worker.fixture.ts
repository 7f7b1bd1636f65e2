/** A worker's process that carries out one run, says what it does, and is paused and continued by the test. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createRunHandler } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { makeChain } from "./make-chain.ts";

/** What the process is told. */
export interface PausedOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly runId: string;
  readonly leaseMs: number;
}

/** What it says: the step that it has taken, or, at last, what it was told of the run. */
export type PausedReport =
  | { readonly step: string }
  | { readonly events: readonly string[]; readonly status: string };

const say = (report: PausedReport): void => void process.send?.(report);

process.once("message", (order: PausedOrder) => {
  void carryOut(order).then(() => process.exit(0));
});

async function carryOut({ uri, dbName, runId, leaseMs }: PausedOrder): Promise<void> {
  const client = new MongoClient(uri);
  const saver = new MongoDBSaver({ client, dbName });
  const events: string[] = [];
  const steps = { first: () => say({ step: "first" }), second: () => say({ step: "second" }) };
  const handle = createRunHandler({
    saver,
    graphs: { work: makeChain(steps) },
    leaseMs,
    onEvent: ({ type }) => events.push(type),
  });
  const { status } = await handle(runId);
  say({ events, status });
  await client.close();
}
