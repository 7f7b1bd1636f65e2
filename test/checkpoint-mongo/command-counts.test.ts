import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

async function startThread(threadId: string, length: number) {
  const list: string[] = [];
  let config = threadConfig(threadId);
  for (let index = 0; index < length; index += 1) {
    list.push(`item ${index} `.repeat(30));
    const checkpoint = makeCheckpoint({ list: [...list] }, { versions: { list: index + 1 } });
    config = await putCheckpoint(saver, config, checkpoint);
  }
  return { config, list };
}

describe.each([1, 20, 60])("in a thread of %i checkpoints", (length) => {
  const threadId = `thread-of-${length}`;

  it("put and putWrites take one command each, getTuple one, or two if nothing is cached", async () => {
    const { config, list } = await startThread(threadId, length);
    const next = makeCheckpoint({ list: [...list, "x".repeat(500)] }, { versions: { list: 100 } });
    expect(await database.recordCommands(() => putCheckpoint(saver, config, next))).toEqual([
      "update",
    ]);
    const latest = threadConfig(threadId, { checkpointId: next.id });
    expect(
      await database.recordCommands(() =>
        saver.putWrites(
          latest,
          [
            ["list", ["a"]],
            ["other", "y".repeat(1_000)],
          ],
          "task",
        ),
      ),
    ).toEqual(["update"]);
    for (const of of [threadConfig(threadId), latest, config]) {
      expect(await database.recordCommands(() => saver.getTuple(of))).toEqual(["aggregate"]);
    }
    const cold = database.openSaver();
    await cold.setup();
    expect(await database.recordCommands(() => cold.getTuple(latest))).toEqual([
      "aggregate",
      "find",
    ]);
  });

  it("list takes at most four commands for 50 checkpoints", async () => {
    const cold = database.openSaver();
    await cold.setup();
    const commands = await database.recordCommands(async () => {
      const tuples = await Array.fromAsync(cold.list(threadConfig(threadId), { limit: 50 }));
      expect(tuples).toHaveLength(Math.min(length + 1, 50));
    });
    expect(commands).toEqual(["find", "find", "find", "find"]);
  });

  it("getDeltaChannelHistory takes at most four commands", async () => {
    const cold = database.openSaver();
    await cold.setup();
    const commands = await database.recordCommands(() =>
      cold.getDeltaChannelHistory({ config: threadConfig(threadId), channels: ["list", "none"] }),
    );
    expect(commands.length).toBeLessThanOrEqual(4);
  });
});

it("a turn of a conversation takes at most 6 commands, however long the thread has become", async () => {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("model", () => ({ messages: [new AIMessage("answer ".repeat(150))] }))
    .addEdge("__start__", "model")
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: "conversation" } };
  const counts: number[] = [];
  for (let turn = 0; turn < 25; turn += 1) {
    const messages = [new HumanMessage("question ".repeat(120))];
    const commands = await database.recordCommands(() => graph.invoke({ messages }, config));
    counts.push(commands.length);
  }
  // The first turn also opens the thread.
  const [first, ...later] = counts.slice(1);
  expect(first).toBeLessThanOrEqual(6);
  expect(later).toEqual(later.map(() => first));
});
