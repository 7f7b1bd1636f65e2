import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import {
  Annotation,
  Command,
  interrupt,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type LangGraphRunnableConfig,
  type StateSnapshot,
} from "@langchain/langgraph";
import { createAgent, tool } from "langchain";
import { describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

function compile(checkpointer: BaseCheckpointSaver) {
  const model = new FakeListChatModel({ responses: ["hello"] });
  return new StateGraph(State)
    .addNode("speak", async (_state, config: LangGraphRunnableConfig) => {
      config.writer?.({ progress: "half" });
      const answer = await model.invoke("hi", config);
      return { log: [answer.content as string] };
    })
    .addNode("end", () => ({ log: ["end"] }))
    .addEdge(START, "speak")
    .addEdge("speak", "end")
    .compile({ checkpointer });
}

describe("every streaming mode", () => {
  it("delivers the same as without a saver, and the state is stored", async () => {
    const graph = compile(database.openSaver());
    const config = { configurable: { thread_id: "streamed" } };
    const modes = [
      "values",
      "updates",
      "custom",
      "messages",
      "debug",
      "checkpoints",
      "tasks",
    ] as const;
    const chunks: Partial<Record<string, unknown[]>> = {};
    const stream = await graph.stream({ log: ["in"] }, { ...config, streamMode: [...modes] });
    for await (const [mode, chunk] of stream) (chunks[mode] ??= []).push(chunk);
    expect(chunks["values"]).toEqual([
      { log: ["in"] },
      { log: ["in", "hello"] },
      { log: ["in", "hello", "end"] },
    ]);
    expect(chunks["updates"]).toEqual([{ speak: { log: ["hello"] } }, { end: { log: ["end"] } }]);
    expect(chunks["custom"]).toEqual([{ progress: "half" }]);
    const tokens = (chunks["messages"] as [BaseMessage, unknown][]).map(([{ text }]) => text);
    expect(tokens.join("")).toContain("hello");
    expect(chunks["checkpoints"]).toHaveLength(4);
    expect(chunks["tasks"]).toHaveLength(4);
    expect(chunks["debug"]).toHaveLength(8);
    const stored = await compile(database.openSaverElsewhere()).getState(config);
    expect(stored.values).toEqual({ log: ["in", "hello", "end"] });
    // The checkpoints that were streamed are those that are stored.
    const streamed = (chunks["checkpoints"] as StateSnapshot[]).map(
      ({ config: { configurable } }) => configurable?.["checkpoint_id"] as string,
    );
    const listed = await Array.fromAsync(database.openSaver().list(config));
    expect(listed.map(({ checkpoint }) => checkpoint.id)).toEqual(streamed.toReversed());
  });

  it("streams events of the graph's nodes and models", async () => {
    const graph = compile(database.openSaver());
    const config = { configurable: { thread_id: "events" } };
    const names = new Set<string>();
    for await (const { event } of graph.streamEvents({ log: [] }, { ...config, version: "v2" })) {
      names.add(event);
    }
    expect([...names]).toEqual(
      expect.arrayContaining(["on_chain_start", "on_chat_model_stream", "on_chain_end"]),
    );
  });
});

describe.each(["sync", "async", "exit"] as const)("durability %s", (durability) => {
  it("stores the end of each run, and what a failing run had reached", async () => {
    const config = { configurable: { thread_id: `durable-${durability}` }, durability };
    let fails = false;
    const open = () =>
      new StateGraph(State)
        .addNode("one", ({ log }) => ({ log: [`one after ${log.length} `.repeat(30)] }))
        .addNode("two", () => {
          if (fails) throw new Error("two failed");
          return { log: ["two"] };
        })
        .addEdge(START, "one")
        .addEdge("one", "two")
        .compile({ checkpointer: database.openSaverElsewhere() });
    await open().invoke({ log: ["first"] }, config);
    fails = true;
    await expect(open().invoke({ log: ["second"] }, config)).rejects.toThrow("two failed");
    fails = false;
    const failed = await open().getState(config);
    expect(failed.next).toEqual(["two"]);
    const { log } = await open().invoke(null, config);
    expect(log).toEqual([
      "first",
      "one after 1 ".repeat(30),
      "two",
      "second",
      "one after 4 ".repeat(30),
      "two",
    ]);
    const history = await Array.fromAsync(open().getStateHistory(config));
    expect(history.length).toBe(durability === "exit" ? 3 : 8);
    expect(history[0]?.values).toEqual({ log });
  });
});

describe("durability exit", () => {
  it("leaves a run that is resumed without an answer as it was, with its parents", async () => {
    const config = { configurable: { thread_id: "exit-resumed" }, durability: "exit" as const };
    const saver = database.openSaver();
    const open = () =>
      new StateGraph(State)
        .addNode("one", () => ({ log: ["one ".repeat(100)] }))
        .addNode("ask", ({ log }) => ({
          log: log.length > 3 ? [interrupt<string, string>("sure?")] : ["not asked"],
        }))
        .addEdge(START, "one")
        .addEdge("one", "ask")
        .compile({ checkpointer: database.openSaverElsewhere() });
    await open().invoke({ log: ["in"] }, config);
    await open().invoke({ log: ["in"] }, config);
    const readThread = async () =>
      (await Array.fromAsync(saver.list(config))).map((tuple) => ({
        values: tuple.checkpoint.channel_values,
        config: tuple.config,
        parentConfig: tuple.parentConfig,
        pendingWrites: tuple.pendingWrites,
      }));
    const asked = await readThread();
    expect(asked[0]?.parentConfig).toEqual(asked[1]?.config);
    // LangGraph then puts the checkpoint once more, as child of itself.
    await open().invoke(null, config);
    expect(await readThread()).toEqual(asked);
    expect((await saver.verifyThread("exit-resumed")).damages).toEqual([]);
    const { log } = await open().invoke(new Command({ resume: "yes" }), config);
    expect(log).toEqual(["in", "one ".repeat(100), "not asked", "in", "one ".repeat(100), "yes"]);
    expect((await saver.verifyThread("exit-resumed")).damages).toEqual([]);
  });
});

describe("an agent with tools", () => {
  it("is read back message by message by another process, and continues", async () => {
    const lookup = tool(({ city }: { city: string }) => `sunny in ${city}`, {
      name: "lookup",
      description: "Looks the weather up",
      schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    });
    const call = (id: string, city: string) => ({ name: "lookup", args: { city }, id });
    const config = { configurable: { thread_id: "agent" } };
    const open = (model: ReturnType<typeof fakeModel>) =>
      createAgent({ model, tools: [lookup], checkpointer: database.openSaverElsewhere() });
    const agent = open(
      fakeModel()
        .respondWithTools([call("1", "Rome"), call("2", "Oslo")])
        .respondWithTools([call("3", "Bern")])
        .respond(new AIMessage("sunny everywhere")),
    );
    const result = await agent.invoke({ messages: [new HumanMessage("weather?")] }, config);
    const kinds = result.messages.map((message) => message.type);
    expect(kinds).toEqual(["human", "ai", "tool", "tool", "ai", "tool", "ai"]);
    const reader = database.openSaverElsewhere();
    const stored = await reader.getTuple(config);
    const messages = stored?.checkpoint.channel_values["messages"] as BaseMessage[];
    expect(messages).toEqual(result.messages);
    expect(messages.map((message) => message.constructor)).toEqual(
      result.messages.map((message) => message.constructor),
    );
    expect((messages[1] as AIMessage).tool_calls).toMatchObject([
      call("1", "Rome"),
      call("2", "Oslo"),
    ]);
    const next = await open(fakeModel().respond(new AIMessage("welcome"))).invoke(
      { messages: [new HumanMessage("thanks")] },
      config,
    );
    expect(next.messages).toHaveLength(9);
    expect(next.messages.slice(0, 7)).toEqual(result.messages);
  });
});
