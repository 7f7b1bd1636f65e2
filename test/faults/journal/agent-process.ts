/** The program of an agent's process: begins its thread, or resumes it where another one was killed. */
import { tool } from "@langchain/core/tools";
import { Annotation, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import {
  journaledTool,
  ResilientChatModel,
  ToolOutcomeUnknownError,
} from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { z } from "zod";
import { ACTED, type AgentMessage, type AgentOrder, nameCall, STEPS } from "./agent-order.ts";

const tell = (message: AgentMessage) => process.send?.(message);

process.on("disconnect", () => process.exit(1));
const [order] = (await once(process, "message")) as [AgentOrder];
const { actsUrl, baseURL, dbName, keeperFolder, leaseMs, threadId, uri } = order;

const client = new MongoClient(uri);
const store = new MongoDBCallJournal({ client, dbName });
const model = new ResilientChatModel({
  models: ["steady"],
  baseURL,
  apiKey: "none",
  journal: {
    store,
    leaseMs,
    everyTokens: 5,
    everyMs: 20,
    keeper: keeperFolder !== undefined && { folder: keeperFolder },
  },
});

const State = Annotation.Root({
  texts: Annotation<string[]>({ reducer: (left, right) => [...left, ...right] }),
});

const act = journaledTool(
  tool(
    async () => {
      await fetch(actsUrl, { method: "POST", body: threadId });
      return ACTED;
    },
    { name: "act", description: "Acts", schema: z.object({}) },
  ),
  { journal: store, sideEffects: "once", leaseMs },
);

async function ask(step: number): Promise<string> {
  tell({ kind: "node" });
  const prompt = nameCall(threadId, step);
  // Whole answers and streams take different ways through the model.
  if (step % 2 === 1) return (await model.invoke(prompt)).text;
  let text = "";
  for await (const chunk of await model.stream(prompt)) text += chunk.text;
  return text;
}

const saver = new MongoDBSaver({ client, dbName });
const graph = new StateGraph(State)
  .addNode("step-1", async () => ({ texts: [await ask(1)] }))
  .addNode("step-2", async () => ({ texts: [await ask(2)] }))
  .addNode("act", async (_, config) => ({ texts: [await act.invoke({}, config)] }))
  .addNode("step-3", async () => ({ texts: [await ask(3)] }))
  .addNode("step-4", async () => ({ texts: [await ask(STEPS)] }))
  .addEdge("__start__", "step-1")
  .addEdge("step-1", "step-2")
  .addEdge("step-2", "act")
  .addEdge("act", "step-3")
  .addEdge("step-3", "step-4")
  .compile({ checkpointer: saver });
const config = { configurable: { thread_id: threadId }, durability: "sync" as const };
const hasBegun = (await saver.getTuple(config)) !== undefined;
tell({ kind: "ready" });
try {
  const { texts } = await graph.invoke(hasBegun ? null : { texts: [] }, config);
  tell({ kind: "done", texts });
} catch (error) {
  if (!ToolOutcomeUnknownError.isInstance(error)) throw error;
  tell({ kind: "unknown", key: error.key });
}
await client.close();
process.exit(0);
