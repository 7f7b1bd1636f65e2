/** Migrates a database, and says on the standard output how far it has come. Another process kills it. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { migrate } from "@threadkeep/checkpoint-mongo/migrate";

const [uri, dbName] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName: dbName! });
const { failed, ...counts } = await migrate(saver, {
  concurrency: 8,
  onProgress: ({ threads }) => console.log(threads),
});
console.log(JSON.stringify({ ...counts, failed: failed.length }));
