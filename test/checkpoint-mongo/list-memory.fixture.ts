/**
 * Lists a thread: `URI DATABASE THREAD COUNT`, and ends after so many checkpoints. Run as a process of its
 * own. Prints as JSON how many it got, how long their states were, and by how much the most memory that the
 * process has had grew meanwhile.
 */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";

/** What a listing gave, and what it took. */
export interface ListReport {
  readonly count: number;
  readonly characters: number;
  readonly growthBytes: number;
}

const [uri, dbName, threadId, limit] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName });
const readPeak = () => process.resourceUsage().maxRSS * 1_024;
await saver.getTuple({ configurable: { thread_id: "small" } });
const before = readPeak();
let count = 0;
let characters = 0;
for await (const { checkpoint } of saver.list({ configurable: { thread_id: threadId } })) {
  const { list } = checkpoint.channel_values as { list: string[] };
  for (const item of list) characters += item.length;
  count += 1;
  if (count === Number(limit)) break;
}
console.log(JSON.stringify({ count, characters, growthBytes: readPeak() - before }));
