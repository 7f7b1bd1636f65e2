/** An agent that takes a page at night. Killed, it continues where it was. See `--help`. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { parseArgs } from "node:util";
import { buildIncidentAgent } from "./agent/incident-agent.ts";
import { ALERT } from "./agent/prompts.ts";
import { ImaginaryCompany } from "./company/imaginary-company.ts";
import { findMongoDB } from "./find-mongodb.ts";
import { incidentScript } from "./incident-script.ts";
import { openModel } from "./open-model.ts";
import { printProgress } from "./print-progress.ts";

const HELP = `Usage: npm start -- [options]

An agent takes a page at night: it has the evidence analysed in parallel, finds
the cause, has it repaired by an agent of its own, and publishes a report.
Kill it at any moment and start it again: it continues where it was.

  --thread ID  the incident to work on, or to go on with (default: incident)
  --help       show this text

The environment, or the file .env, may name a model and a MongoDB: see .env.example.`;

try {
  const { values } = parseArgs({
    options: {
      thread: { type: "string", default: "incident" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await work(values.thread);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function work(threadId: string): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  await using client = new MongoClient(mongodb.uri);
  const dbName = process.env["MONGODB_DB"] || "incident_demo";
  const company = new ImaginaryCompany(client.db(dbName), threadId);
  const agent = buildIncidentAgent({
    model: openModel(process.env, incidentScript),
    company,
    checkpointer: new MongoDBSaver({ client, dbName }),
  });
  const thread = { configurable: { thread_id: threadId } };

  const { next, createdAt } = await agent.getState(thread);
  const isNew = createdAt === undefined;
  if (!isNew && next.length > 0) {
    console.log(`${threadId} was cut off; going on with: ${next.join(", ")}`);
  }
  if (isNew || next.length > 0) {
    // `null` means: go on where the thread stands.
    const run = await agent.stream(isNew ? { alert: ALERT } : null, {
      ...thread,
      // A step is stored before the next one begins: a process that dies loses no more than one.
      durability: "sync",
      streamMode: "updates",
      subgraphs: true,
    });
    await printProgress(run);
  }

  const { report } = (await agent.getState(thread)).values as { report: string };
  console.log(`\n${report}\n`);
  for (const { action, result, given } of await company.readLedger()) {
    console.log(`${action}: ${result}${given > 1 ? ` (given ${given} times, done once)` : ""}`);
  }
}
