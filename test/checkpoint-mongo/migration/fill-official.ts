import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import type { MongoClient } from "mongodb";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";

// It brings another version of the driver, whose types differ.
type OfficialClient = ConstructorParameters<typeof OfficialSaver>[0]["client"];

/** The official saver on a client. */
export function openOfficial(client: MongoClient, dbName: string): OfficialSaver {
  return new OfficialSaver({ client: client as unknown as OfficialClient, dbName });
}

/** Fills a thread as the official saver does: a growing list, a fork, a subgraph, pending writes, an interrupt. */
export async function fillOfficial(
  saver: OfficialSaver,
  threadId: string,
  steps = 4,
): Promise<RunnableConfig> {
  let config = threadConfig(threadId);
  let fork: RunnableConfig | undefined;
  const messages: unknown[] = [];
  for (let step = 0; step < steps; step += 1) {
    messages.push(new HumanMessage(`question ${step}`), new AIMessage(`answer ${step}`));
    const values = { messages: [...messages], text: `${step} `.repeat(50), when: step };
    config = await putCheckpoint(saver, config, makeCheckpoint(values, { id: uuid6(step) }));
    await saver.putWrites(
      config,
      [
        ["messages", new AIMessage(`next ${step}`)],
        ["text", "x"],
      ],
      `task-${step}`,
    );
    fork ??= config;
  }
  await putCheckpoint(saver, fork!, makeCheckpoint({ text: "forked" }, { id: uuid6(0) }));
  const inner = threadConfig(threadId, { namespace: "child:1" });
  await putCheckpoint(saver, inner, makeCheckpoint({ inner: ["a", "b"] }));
  config = await putCheckpoint(
    saver,
    config,
    makeCheckpoint({ messages: [...messages] }, { id: uuid6(steps) }),
  );
  await saver.putWrites(config, [[INTERRUPT, [{ value: "really?" }]]], "task-9");
  return config;
}

/** The smallest thread of which anything could be lost: a parent, its child and a pending write. */
export async function fillSmallOfficial(
  saver: OfficialSaver,
  threadId: string,
): Promise<RunnableConfig> {
  const first = await putCheckpoint(
    saver,
    threadConfig(threadId),
    makeCheckpoint({ text: "first" }),
  );
  const last = await putCheckpoint(saver, first, makeCheckpoint({ text: "last" }));
  await saver.putWrites(last, [["text", "next"]], "task");
  return last;
}
