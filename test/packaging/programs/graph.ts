/** A graph whose model and saver are ours: it stops to ask, and a saver that knows nothing yet resumes it. */
import { HumanMessage } from "@langchain/core/messages";
import { Command, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoClient } from "mongodb";

async function main(uri: string, dbName: string, baseURL: string): Promise<void> {
  const model = new ResilientChatModel({ models: ["scripted"], baseURL, apiKey: "none" });
  const builder = new StateGraph(MessagesAnnotation)
    .addNode("ask", () => ({
      messages: [new HumanMessage(interrupt<string, string>("What do you want to know?"))],
    }))
    .addNode("answer", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addEdge(START, "ask")
    .addEdge("ask", "answer");
  const config = { configurable: { thread_id: "graph" } };

  const client = new MongoClient(uri);
  const first = builder.compile({ checkpointer: new MongoDBSaver({ client, dbName }) });
  await first.invoke({ messages: [new HumanMessage("Hello.")] }, config);

  const elsewhere = MongoDBSaver.fromConnString(uri, { dbName });
  const second = builder.compile({ checkpointer: elsewhere });
  const { next } = await second.getState(config);
  const { messages } = await second.invoke(new Command({ resume: "Are you there?" }), config);
  const { damages } = await elsewhere.verifyThread("graph");
  console.log(JSON.stringify({ next, texts: messages.map(({ text }) => text), damages }));
  await elsewhere.close();
  await client.close();
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4]!);
