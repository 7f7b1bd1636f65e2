/** One worker: Agenda brings runs to it until it is killed, or told to stop. `main.ts` starts it. */
import { MongoBackend } from "@agendajs/mongo-backend";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { createAgendaDispatcher } from "@threadkeep/checkpoint-mongo/agenda";
import { RecoveryWorker } from "@threadkeep/checkpoint-mongo/runs";
import { Agenda } from "agenda";
import { MongoClient } from "mongodb";
import { Ledger } from "./ledger.ts";
import { buildOrderGraph } from "./order-graph.ts";
import type { WorkerOrder, WorkerReport } from "./orders.ts";

const { uri, dbName, name, concurrency, leaseMs, stepMs } = JSON.parse(
  process.argv[2]!,
) as WorkerOrder;
const say = (report: WorkerReport): void => void process.send?.(report);

const client = new MongoClient(uri);
const db = client.db(dbName);
const saver = new MongoDBSaver({ client, dbName });
const agenda = new Agenda({ backend: new MongoBackend({ mongo: db }), processEvery: "1 second" });
let isStopping = false;
agenda.on("error", (error) => {
  if (!isStopping) console.error(`${name}: ${error.message}`);
});

const worker = new RecoveryWorker({
  saver,
  graphs: { order: buildOrderGraph(new Ledger(db), stepMs) },
  dispatcher: createAgendaDispatcher({ agenda }),
  worker: name,
  concurrency,
  leaseMs,
  // Here workers are killed all the time. That is no fault of the runs.
  maxAttempts: 1_000,
  onEvent: (event) => {
    if (event.type === "run-taken") {
      say({ kind: "taken", runId: event.runId, token: event.token });
    }
  },
});
worker.start();
say({ kind: "ready" });

process.once("SIGTERM", () => {
  isStopping = true;
  void worker.stop().then(async () => {
    await client.close();
    process.exit(0);
  });
});
// Whoever started it is gone.
process.once("disconnect", () => process.exit(0));
