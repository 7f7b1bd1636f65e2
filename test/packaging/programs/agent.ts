/** An agent whose model is ours and whose threads are in our saver; another process reads them. */
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { ResilientChatModel, type ResilientChatModelOptions } from "@threadkeep/resilient-llm";
import { MongoDBSaver, type MongoDBSaverOptions } from "@threadkeep/checkpoint-mongo";
import { createAgent } from "langchain";
import { MongoClient } from "mongodb";

async function main(uri: string, dbName: string, baseURL: string): Promise<void> {
  const settings: ResilientChatModelOptions = { models: ["scripted"], baseURL, apiKey: "none" };
  const client = new MongoClient(uri);
  const options: MongoDBSaverOptions = { client, dbName };
  const config = { configurable: { thread_id: "agent" } };
  const open = (checkpointer: MongoDBSaver) =>
    createAgent({ model: new ResilientChatModel(settings), tools: [], checkpointer });

  await open(new MongoDBSaver(options)).invoke({ messages: "Are you there?" }, config);
  const elsewhere = MongoDBSaver.fromConnString(uri, { dbName });
  const { messages } = await open(elsewhere).invoke({ messages: "Still?" }, config);
  console.log(
    JSON.stringify({
      texts: messages.map(({ text }) => text),
      // Of this program's own copy of LangChain's classes, and of this build of it.
      human: messages.filter((message) => message instanceof HumanMessage).length,
      ai: messages.filter((message) => message instanceof AIMessage).length,
    }),
  );
  await elsewhere.close();
  await client.close();
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4]!);
