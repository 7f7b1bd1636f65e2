import { FakeListChatModel } from "@langchain/core/utils/testing";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { findMongoDB } from "./find-mongodb.ts";

// With a key: two models, of which the second answers while the first cannot. Without: a stand-in.
const standIn = new FakeListChatModel({ responses: ["(an answer)"], sleep: 1000, maxRetries: 0 });
const models = process.env.OPENAI_API_KEY ? ["gpt-4.1-mini", "gpt-4.1-nano"] : [standIn];
const model = new ResilientChatModel({ models });

await using mongodb = await findMongoDB(process.env);
const dbName = process.env.MONGODB_DB || "quickstart";
const checkpointer = MongoDBSaver.fromConnString(mongodb.uri, { dbName });

type State = typeof MessagesAnnotation.State;
const ask = (task: string) => async (state: State) => ({
  messages: [await model.invoke([...state.messages, { role: "user", content: task }])],
});
const graph = new StateGraph(MessagesAnnotation)
  .addNode("plan", ask("Plan a talk on night trains, in three points."))
  .addNode("write", ask("Write its first paragraph."))
  .addNode("review", ask("Say in one sentence what you would change."))
  .addEdge(START, "plan")
  .addEdge("plan", "write")
  .addEdge("write", "review")
  .compile({ checkpointer });

const thread = { configurable: { thread_id: process.argv[2] ?? "first" } };
const { createdAt, next } = await graph.getState(thread);
if (createdAt) console.log(next.length > 0 ? `continues with: ${next.join(", ")}` : "is complete");
const input = createdAt ? null : { messages: [] }; // `null` means: go on where the thread stands
const run = await graph.stream(input, { ...thread, durability: "sync", streamMode: "updates" });
for await (const update of run) {
  for (const [node, { messages }] of Object.entries(update))
    console.log(`${node}: ${messages[0]?.text}`);
}
await checkpointer.close();
