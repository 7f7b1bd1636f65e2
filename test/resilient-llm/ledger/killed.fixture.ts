/** A process that makes three calls. In the third one it is killed. */
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal, MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";

const [uri = "", dbName = "", baseURL = ""] = process.argv.slice(2);
const client = new MongoClient(uri);
const model = new ResilientChatModel({
  models: [{ model: "first-model", pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 } }],
  baseURL,
  apiKey: "none",
  retry: { baseDelayMs: 1 },
  journal: { store: new MongoDBCallJournal({ client, dbName }), everyTokens: 1, leaseMs: 300 },
  ledger: {
    store: new MongoDBCostLedger({ client, dbName }),
    budget: { perThread: { maxCostUsd: 1 } },
    reservationMs: 500,
  },
});
for (const task of ["one", "two", "three"]) {
  const options = { configurable: { thread_id: "killed" }, journal: { task } };
  for await (const _ of await model.stream("Why?", options));
  process.stdout.write(`${task}\n`);
}
