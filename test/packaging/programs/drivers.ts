/** One thread, whose turns come through clients of all the drivers that an application may have. */
import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { MongoClient as OtherMongoClient } from "mongodb-other";
import mongoose from "mongoose";

const builder = new StateGraph(MessagesAnnotation)
  .addNode("answer", ({ messages }) => ({
    messages: [new HumanMessage(`not ${messages.at(-1)!.text}`)],
  }))
  .addEdge(START, "answer");
const config = { configurable: { thread_id: "drivers" } };

async function main(uri: string, dbName: string): Promise<void> {
  const client = new MongoClient(uri);
  const other = new OtherMongoClient(uri);
  await mongoose.connect(uri);
  // What LangGraph's own saver passes as, each of ours has to.
  builder.compile({ checkpointer: new MemorySaver() });
  const graphs = {
    driver: builder.compile({ checkpointer: new MongoDBSaver({ client, dbName }) }),
    other: builder.compile({ checkpointer: new MongoDBSaver({ client: other, dbName }) }),
    mongoose: builder.compile({
      checkpointer: new MongoDBSaver({ client: mongoose.connection.getClient(), dbName }),
    }),
  };
  const lengths: Record<string, number> = {};
  for (const [name, graph] of Object.entries(graphs)) {
    const { messages } = await graph.invoke({ messages: [new HumanMessage(name)] }, config);
    lengths[name] = messages.length;
  }
  const texts = new Set<string>();
  for (const graph of Object.values(graphs)) {
    const { values } = await graph.getState(config);
    const { messages } = values as typeof MessagesAnnotation.State;
    texts.add(messages.map(({ text }) => text).join(", "));
  }
  console.log(JSON.stringify({ lengths, texts: [...texts] }));
  await Promise.all([client.close(), other.close(), mongoose.disconnect()]);
}

void main(process.argv[2]!, process.argv[3]!);
