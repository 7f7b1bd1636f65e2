/** Migrates a database, and says on the standard output how far it has come. Another process kills it. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { migrate } from "@threadkeep/checkpoint-mongo/migrate";

const [uri, dbName] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName: dbName! });
console.log("started");
const result = await migrate(saver, {
  concurrency: 8,
  onProgress: ({ threads }) => {
    if (threads % 10 === 0) console.log(threads);
  },
});
console.log(JSON.stringify({ ...result, failed: result.failed.length }));
