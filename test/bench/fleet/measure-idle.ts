import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { RecoveryWorker } from "@threadkeep/checkpoint-mongo/runs";
import { MongoClient } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { makeChain } from "../../checkpoint-mongo/runs/make-chain.ts";

/** How many commands a minute a worker sends that has nothing to do. */
export async function measureIdle(uri: string, seconds: number): Promise<number> {
  const client = new MongoClient(uri, { monitorCommands: true });
  const saver = new MongoDBSaver({ client, dbName: "bench_fleet_idle" });
  const graphs = { idle: makeChain({ first: () => {} }) };
  const worker = new RecoveryWorker({ saver, graphs, onEvent: () => {} });
  let commands = 0;
  worker.start();
  // Its indexes and its change stream are there.
  await sleep(2_000);
  client.on("commandStarted", () => (commands += 1));
  await sleep(seconds * 1_000);
  const measured = commands;
  await worker.stop();
  await client.close();
  return (60 * measured) / seconds;
}
