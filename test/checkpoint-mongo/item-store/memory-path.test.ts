import { fakeModel } from "@langchain/core/testing";
import { AIMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  getStore,
  START,
  StateGraph,
  type LangGraphRunnableConfig,
} from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createDeepAgent, StoreBackend } from "deepagents";
import { createAgent, tool } from "langchain";
import { describe, expect, it } from "vitest";
import { readAll, useStores } from "./use-stores.ts";

const database = useStores();

/** Long-term memory as LangGraph's documentation has it: tools that put to and search the store. */
const remember = tool(
  async ({ fact }: { fact: string }, config: RunnableConfig) => {
    const store = getStore()!;
    await store.put(["memories", userOf(config)], fact, { fact });
    return `I'll remember that ${fact}.`;
  },
  {
    name: "remember",
    description: "Remembers a fact.",
    schema: { type: "object", properties: { fact: { type: "string" } }, required: ["fact"] },
  },
);
const recall = tool(
  async (_input: object, config: RunnableConfig) => {
    const store = getStore()!;
    const items = await store.search(["memories", userOf(config)]);
    return items.map(({ value }) => String(value["fact"])).join("; ");
  },
  {
    name: "recall",
    description: "Recalls facts.",
    schema: { type: "object", properties: {} },
  },
);

function userOf({ configurable }: RunnableConfig): string {
  return String(configurable?.["user_id"]);
}

/** A model that calls one tool and then ends. */
function callTool(name: string, args: Record<string, unknown>) {
  const call = { name, args, id: `call_${name}`, type: "tool_call" as const };
  return fakeModel()
    .respond(new AIMessage({ content: "", tool_calls: [call] }))
    .respond(new AIMessage("done"));
}

const ask = { messages: [{ role: "user", content: "…" }] };
const configOf = (thread: string, user: string) => ({
  configurable: { thread_id: thread, user_id: user },
});

describe.each(["createReactAgent", "createAgent"] as const)("%s", (name) => {
  it("remembers for a user across threads and processes, and for no other user", async () => {
    const make = (model: ReturnType<typeof callTool>) => {
      const collectionName = `agent_${name}`;
      const common = {
        tools: [remember, recall],
        store: database.openStore({ collectionName }),
        checkpointer: database.openSaver(),
      };
      return name === "createAgent"
        ? createAgent({ model, ...common })
        : // It is what most programs still use.
          // oxlint-disable-next-line typescript/no-deprecated
          createReactAgent({ llm: model, ...common });
    };
    await make(callTool("remember", { fact: "tea/green, no sugar" })).invoke(
      ask,
      configOf(`${name} 1`, "ada"),
    );
    for (const [user, answer] of [
      ["ada", "tea/green, no sugar"],
      ["bob", ""],
    ] as const) {
      const { messages } = await make(callTool("recall", {})).invoke(
        ask,
        configOf(`${name} 2 ${user}`, user),
      );
      expect(messages.at(-2)?.content).toBe(answer);
    }
  });
});

it("nodes of a graph put, get, search and delete through the store that LangGraph batches", async () => {
  const State = Annotation.Root({ found: Annotation<unknown[]> });
  const store = database.openStore();
  const graph = new StateGraph(State)
    .addNode("memory", async (_state, config: LangGraphRunnableConfig) => {
      const batched = config.store!;
      const puts = ["a", "b", "c"].map((key) => batched.put(["notes", "1"], key, { key }));
      const unawaited = batched.get(["notes", "1"], "b");
      await Promise.all(puts);
      await batched.delete(["notes", "1"], "c");
      const [item, found] = await Promise.all([
        batched.get(["notes", "1"], "a"),
        batched.search(["notes"], { filter: { key: { $in: ["a", "c"] } } }),
      ]);
      return { found: [item?.value, found.length, (await unawaited)?.value] };
    })
    .addEdge(START, "memory")
    .compile({ store });
  const { found } = await graph.invoke({ found: [] });
  expect(found).toEqual([{ key: "a" }, 1, { key: "b" }]);
  expect(await readAll(store)).toHaveLength(2);
});

describe("deepagents", () => {
  it("keeps files in the store by its StoreBackend", async () => {
    const store = database.openStore();
    const backend = new StoreBackend({ store, namespace: ["files", "ada"] });
    expect(await backend.write("/notes/a.md", "alpha\nbeta\n")).not.toHaveProperty("error");
    await backend.write("/notes/b.md", "gamma");
    await backend.edit("/notes/a.md", "beta", "delta");
    const elsewhere = new StoreBackend({ store, namespace: ["files", "ada"] });
    expect((await elsewhere.read("/notes/a.md")).content).toContain("delta");
    expect((await elsewhere.ls("/notes")).files).toHaveLength(2);
    expect((await elsewhere.grep("gamma", "/")).matches).toMatchObject([{ path: "/notes/b.md" }]);
    const bytes = new Uint8Array([0, 255, 128]);
    await backend.uploadFiles([["/bin/data.png", bytes]]);
    const [download] = await elsewhere.downloadFiles(["/bin/data.png"]);
    expect([...(download!.content ?? [])]).toEqual([...bytes]);
    await backend.delete("/notes/b.md");
    expect((await elsewhere.ls("/notes")).files).toHaveLength(1);
    const other = new StoreBackend({ store, namespace: ["files", "bob"] });
    expect((await other.ls("/notes")).files ?? []).toEqual([]);
  });

  it("an agent's files of one thread are there in the next", async () => {
    const store = database.openStore();
    const make = (model: ReturnType<typeof callTool>) =>
      createDeepAgent({
        model,
        store,
        checkpointer: database.openSaver(),
        backend: new StoreBackend({ namespace: ["files", "ada"] }),
      });
    await make(callTool("write_file", { file_path: "/plan.md", content: "the plan" })).invoke(
      ask,
      configOf("deep 1", "ada"),
    );
    const { messages } = (await make(callTool("read_file", { file_path: "/plan.md" })).invoke(
      ask,
      configOf("deep 2", "ada"),
    )) as { messages: { content: unknown }[] };
    expect(JSON.stringify(messages.at(-2)?.content)).toContain("the plan");
  });
});
