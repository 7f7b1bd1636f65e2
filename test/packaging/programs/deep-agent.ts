/** A deep agent that writes a file; another process finds it in the thread, and continues. */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { createDeepAgent } from "deepagents";

const [uri, dbName, baseURL] = process.argv.slice(2);
const config = { configurable: { thread_id: "deep" } };

async function ask(text: string): Promise<{ texts: string[]; files: string[] }> {
  const checkpointer = MongoDBSaver.fromConnString(uri!, { dbName });
  const agent = createDeepAgent({
    model: new ResilientChatModel({ models: ["scripted"], baseURL, apiKey: "none" }),
    checkpointer,
  });
  const { messages, files } = await agent.invoke({ messages: text }, config);
  await checkpointer.close();
  return { texts: messages.map((message) => message.text), files: Object.keys(files ?? {}) };
}

console.log(JSON.stringify([await ask("Note it."), await ask("Thanks.")]));
