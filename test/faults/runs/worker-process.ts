import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { RecoveryWorker } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { Ledger } from "./ledger.ts";
import { makeLedgerGraph } from "./ledger-graph.ts";
import type { WorkerOrder } from "./worker-order.ts";

// A worker's process: it carries out runs until it is killed, or told to stop.
const order = JSON.parse(process.argv[2]!) as WorkerOrder;
const client = new MongoClient(order.uri);
const saver = new MongoDBSaver({ client, dbName: order.database });
const ledger = new Ledger(client.db(order.database));
const graphs = { work: makeLedgerGraph(ledger, order) };
const worker = new RecoveryWorker({
  saver,
  graphs,
  worker: order.name,
  maxAttempts: 1_000,
  concurrency: order.concurrency,
  ...order.options,
  backoff: { firstMs: 50, maxMs: 500 },
});
worker.start();
process.once("SIGTERM", () => {
  void worker.stop().then(() => client.close());
});
process.send?.("ready");
process.once("disconnect", () => process.exit());
