/** `pnpm damage-table`: damages stored threads in every way, and writes down what became of it. */
import { startMongoDB, temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { parseArgs } from "node:util";
import { writeIntoMarkdown } from "../../bench/report/write-into-markdown.ts";
import { chooseSome } from "./choose-some.ts";
import { damageThreads, type Result } from "./damage-threads.ts";
import { Progress } from "./progress.ts";
import { listFailures, toTable } from "./table.ts";
import { VARIANTS } from "./threads.ts";

const USAGE = `pnpm damage-table [options]    damages stored threads in every way, and counts what becomes of it

--sample N        so many mutations of each variant; by default all
--seed N          others of them; default 1
--variant NAME    just one: ${VARIANTS.map(({ name }) => name).join(", ")}
--field NAME      just those of one field
--into FILE       puts the table into a Markdown file, between <!-- damage:begin --> and its end

The exit code is 1 if anything was returned that was not stored, lost without a sign, left unwritable
without the reason, or refused without a word that says why.`;

const { values: options } = parseArgs({
  options: {
    sample: { type: "string", default: "Infinity" },
    seed: { type: "string", default: "1" },
    variant: { type: "string" },
    field: { type: "string" },
    into: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (options.help) console.log(USAGE);
else await writeTable();

async function writeTable(): Promise<void> {
  const results: Result[] = [];
  await using server = await startMongoDB();
  // The development server gets slower with each retryable write of the last half hour.
  const client = new MongoClient(server.uri, { retryWrites: false });
  try {
    const chosen = VARIANTS.filter(({ name }) => name === (options.variant ?? name));
    for (const variant of chosen) {
      const database = temporaryDatabase(client);
      let progress: Progress | undefined;
      const damaged = damageThreads(client, database.name, variant, (mutations) => {
        const ofField = mutations.filter(({ field }) => field === (options.field ?? field));
        const some = chooseSome(ofField, Number(options.sample), Number(options.seed));
        progress = new Progress(variant.name, some.length, mutations.length);
        return some;
      });
      for await (const result of damaged) {
        results.push(result);
        progress?.take(result);
        for (const failure of listFailures([result])) console.error(failure);
      }
      progress?.end();
      await database.drop();
    }
  } finally {
    await client.close();
  }
  const table = toTable(results);
  console.log(table);
  const place = { begin: "<!-- damage:begin -->", end: "<!-- damage:end -->" };
  if (options.into !== undefined) writeIntoMarkdown(options.into, place, table);
  if (listFailures(results).length > 0) process.exitCode = 1;
}
