/** A research agent that can be killed at any moment. See `--help`. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { parseArgs } from "node:util";
import { findMongoDB } from "./find-mongodb.ts";
import { openJournaledModel } from "./journaled-model.ts";
import { buildResearchGraph } from "./research-graph.ts";
import { runResearch } from "./run-research.ts";

const HELP = `Usage: npm start -- [QUESTION] [--thread ID]

Looks into a question and publishes a report. Started again with the same thread
it goes on, and pays for nothing twice that it was given.

  --thread ID    the thread (default: research)`;

const QUESTION = "How will an island get its power in twenty years?";

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      thread: { type: "string", default: "research" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await research(positionals.join(" ") || QUESTION, values.thread);
} catch (error) {
  if (!ThreadkeepError.isInstance(error) && !(error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function research(question: string, threadId: string): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  const dbName = process.env["MONGODB_DB"] || "research_agent";
  await using client = new MongoClient(mongodb.uri);
  const journal = new MongoDBCallJournal({ client, dbName });
  // After a kill, the next process waits for the end of the lease.
  const model = openJournaledModel(process.env, { store: journal, leaseMs: 1_000 });
  const db = client.db(dbName);
  const graph = buildResearchGraph({ db, journal, model }, new MongoDBSaver({ client, dbName }));
  await runResearch(graph, threadId, question);
}
