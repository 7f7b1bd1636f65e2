/**
 * Prints a thread's state as JSON: `URI DATABASE THREAD [CHECKPOINT]`. Run as a process of its own,
 * it has nothing but what is in the database.
 */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";

const [uri, dbName, threadId, checkpointId] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName });
const tuple = await saver.getTuple({
  configurable: { thread_id: threadId, checkpoint_id: checkpointId },
});
const { log, count } = tuple!.checkpoint.channel_values;
console.log(JSON.stringify({ log, count }));
