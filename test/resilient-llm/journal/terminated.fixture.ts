/** A process that streams an answer into the journal until it is ended. */
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";

const [uri = "", dbName = "", baseURL = "", threadId = "", mode = ""] = process.argv.slice(2);
// A program that ends by itself, as servers do after SIGTERM.
if (mode === "listens") process.on("SIGTERM", () => setTimeout(() => process.exit(7), 300));
const client = new MongoClient(uri);
const store = new MongoDBCallJournal({ client, dbName });
// Nothing is stored before SIGTERM.
const journal = { store, everyTokens: 10_000, everyMs: 60_000, leaseMs: 60_000 };
const model = new ResilientChatModel({ models: ["m"], baseURL, apiKey: "none", journal });
const call = { configurable: { thread_id: threadId }, journal: { task: "answer" } };
for await (const chunk of await model.stream("Why?", call)) process.stdout.write(chunk.text);
