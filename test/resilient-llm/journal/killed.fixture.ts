/** A process that streams a journaled answer, and prints it, until it is killed. */
import { ChatOpenAI } from "@langchain/openai";
import { type KeeperOptions, ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";

/** What the process is to do. */
interface Order {
  readonly uri: string;
  readonly dbName: string;
  readonly baseURL: string;
  readonly call: object;
  readonly background?: boolean;
  readonly keeper?: KeeperOptions;
}

const order = JSON.parse(process.argv[2] ?? "") as Order;
const { background, baseURL, call, dbName, keeper, uri } = order;
const store = new MongoDBCallJournal({ client: new MongoClient(uri), dbName });
const configuration = { baseURL };
const inner = new ChatOpenAI({
  model: "gpt-4.1",
  apiKey: "sk-test-0123456789abcdef",
  configuration,
  ...(background ? { useResponsesApi: true, modelKwargs: { background } } : {}),
});
const model = new ResilientChatModel({
  models: [inner],
  journal: { store, leaseMs: 300, ...(keeper ? { keeper } : {}) },
});
for await (const chunk of await model.stream("hi", call)) process.stdout.write(chunk.text);
