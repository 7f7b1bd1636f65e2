/** Writes a long article and goes on with it after a kill. See `--help`. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { parseArgs } from "node:util";
import { buildArticleGraph } from "./article-graph.ts";
import { findMongoDB } from "./find-mongodb.ts";
import { openJournaledModel } from "./journaled-model.ts";
import { Reader } from "./reader.ts";
import { writeArticle } from "./write-article.ts";

const HELP = `Usage: npm start -- [QUESTION] [--thread ID] [--file FILE]

Asks for a long article, and writes it to the terminal and to a file as it comes.
Started again with the same thread it goes on, word for word.

  --thread ID    the thread (default: article)
  --file FILE    who reads it (default: the thread's id with .txt)`;

const QUESTION = "Tell me about lighthouses, in a few hundred words.";

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      thread: { type: "string", default: "article" },
      file: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await write(positionals.join(" ") || QUESTION, values.thread, values.file);
} catch (error) {
  if (!ThreadkeepError.isInstance(error) && !(error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function write(question: string, threadId: string, file?: string): Promise<void> {
  await using mongodb = await findMongoDB(process.env);
  const dbName = process.env["MONGODB_DB"] || "streaming_resume";
  await using client = new MongoClient(mongodb.uri);
  const model = openJournaledModel(process.env, new MongoDBCallJournal({ client, dbName }));
  const graph = buildArticleGraph(model, new MongoDBSaver({ client, dbName }));
  const reader = await Reader.open(file ?? `${threadId}.txt`, (text) => process.stdout.write(text));
  if (reader.length > 0) console.error(`· the reader has ${reader.length} characters`);
  await writeArticle(graph, threadId, question, reader);
  process.stdout.write("\n");
}
