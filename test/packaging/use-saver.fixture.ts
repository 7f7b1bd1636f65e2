/**
 * What a project writes that uses the saver: stores a checkpoint and prints what it reads back.
 * Compiled against the packed declarations and run with the packed code.
 */
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import {
  MongoDBSaver,
  UnserializableStateError,
  type MongoDBSaverOptions,
} from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";

const [uri, dbName] = process.argv.slice(2);
const client = new MongoClient(uri!);
const options: MongoDBSaverOptions = { client, dbName, ttl: 3_600 };
const saver: BaseCheckpointSaver = new MongoDBSaver(options);

const checkpoint = {
  v: 4,
  id: "1f0c6f3c-0000-6000-8000-000000000000",
  ts: "2026-01-01T00:00:00.000Z",
  channel_values: { messages: ["one", "two"], when: new Date(0) },
  channel_versions: { messages: 1, when: 1 },
  versions_seen: {},
};
const config = await saver.put(
  { configurable: { thread_id: "packed", checkpoint_ns: "" } },
  checkpoint,
  { source: "input", step: -1, parents: {} },
  checkpoint.channel_versions,
);
await saver.putWrites(config, [["messages", "three"]], "task");
const tuple: CheckpointTuple | undefined = await saver.getTuple(config);

const unstorable = { ...checkpoint, channel_values: { messages: [() => 1] } };
const refused: unknown = await saver
  .put(config, unstorable, { source: "loop", step: 0, parents: {} }, { messages: 2 })
  .catch((error: unknown) => error);
await client.close();

console.log(
  JSON.stringify({
    values: tuple?.checkpoint.channel_values,
    isDate: tuple?.checkpoint.channel_values["when"] instanceof Date,
    pendingWrites: tuple?.pendingWrites,
    refused: UnserializableStateError.isInstance(refused) ? refused.path : String(refused),
  }),
);
