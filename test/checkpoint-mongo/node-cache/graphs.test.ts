import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  END,
  entrypoint,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  task,
} from "@langchain/langgraph";
import { InMemoryCache, type BaseCache } from "@langchain/langgraph-checkpoint";
import { MongoDBCache } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { useCacheDatabase } from "./use-cache.ts";

// Starts processes: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 });

const { database, openCache } = useCacheDatabase();

const FIXTURE = fileURLToPath(new URL("run-cached-graph.fixture.ts", import.meta.url));

interface Printed {
  readonly runs: number;
  readonly pid: number;
  readonly answer: string;
}

async function runElsewhere(input: string): Promise<Printed> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@threadkeep/source",
    FIXTURE,
    database.uri,
    database.name,
    input,
  ]);
  return JSON.parse(stdout) as Printed;
}

describe("a node with a cachePolicy", () => {
  it("runs once for the same input, in whichever process", async () => {
    const first = await runElsewhere("question");
    expect(first).toMatchObject({ runs: 1, answer: `question, by ${first.pid}` });
    const second = await runElsewhere("question");
    expect(second.pid).not.toBe(first.pid);
    expect(second).toMatchObject({ runs: 0, answer: first.answer });
    expect(await runElsewhere("another")).toMatchObject({ runs: 1 });
  });

  it("ends in the same state as with InMemoryCache: messages, sends and commands", async () => {
    const run = async (cache: BaseCache) => {
      const counts: Record<string, number> = {};
      const count = (node: string) => (counts[node] = (counts[node] ?? 0) + 1);
      const State = Annotation.Root({
        ...MessagesAnnotation.spec,
        items: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
      });
      const cachePolicy = { ttl: 60 };
      const graph = new StateGraph(State)
        .addNode(
          "plan",
          () => {
            count("plan");
            return new Command({
              update: { messages: [new AIMessage({ id: "plan", content: "planned" })] },
              goto: [new Send("work", { item: "a" }), new Send("work", { item: "b" })],
            });
          },
          { cachePolicy, ends: ["work"] },
        )
        .addNode(
          "work",
          ({ item }: { item: string }) => {
            count(`work ${item}`);
            return { items: [`${item} done`] };
          },
          { cachePolicy },
        )
        .addNode(
          "close",
          ({ items }: { items: string[] }) => {
            count("close");
            return { messages: [new HumanMessage({ id: "end", content: items.join() })] };
          },
          { cachePolicy },
        )
        .addEdge(START, "plan")
        .addEdge("work", "close")
        .addEdge("close", END)
        .compile({ cache });
      const states: { messages: BaseMessage[]; items: string[] }[] = [];
      for (let round = 0; round < 2; round += 1) states.push(await graph.invoke({ items: ["0"] }));
      await graph.clearCache();
      states.push(await graph.invoke({ items: ["0"] }));
      return { counts, states };
    };
    const { cache, events } = openCache("states");
    const ours = await run(cache);
    expect(ours).toEqual(await run(new InMemoryCache()));
    expect(ours.states[1]).toEqual(ours.states[0]);
    // Once before the cache was cleared, and once after.
    expect(ours.counts).toEqual({ plan: 2, "work a": 2, "work b": 2, close: 2 });
    expect(events).toEqual([]);
  });

  it("that is sent the same input twice writes twice, from the cache too", async () => {
    const { cache } = openCache("twice");
    const State = Annotation.Root({
      items: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    });
    const graph = new StateGraph(State)
      .addNode("work", ({ item }: { item: string }) => ({ items: [item] }), { cachePolicy: {} })
      .addConditionalEdges(START, () => [
        new Send("work", { item: "same" }),
        new Send("work", { item: "same" }),
      ])
      .compile({ cache });
    for (let round = 0; round < 3; round += 1) {
      expect(await graph.invoke({})).toEqual({ items: ["same", "same"] });
    }
  });

  it("has tasks of the functional API cached as well", async () => {
    const { cache } = openCache("tasks");
    let runs = 0;
    const double = task({ name: "double", cachePolicy: { ttl: 60 } }, (value: number) => {
      runs += 1;
      return { doubled: value * 2, when: new Date(value) };
    });
    const workflow = entrypoint({ name: "workflow", cache }, (value: number) => double(value));
    const first = await workflow.invoke(21);
    expect(first).toEqual({ doubled: 42, when: new Date(21) });
    expect(await workflow.invoke(21)).toEqual(first);
    expect(runs).toBe(1);
  });
});

describe("a run is never broken by its cache", () => {
  const makeGraph = (cache: BaseCache, value: () => unknown = () => "done") =>
    new StateGraph(Annotation.Root({ result: Annotation<unknown> }))
      .addNode("work", () => ({ result: value() }), { cachePolicy: { ttl: 60 } })
      .addEdge(START, "work")
      .compile({ cache });

  it("when the database cannot be reached", async () => {
    // Nothing listens there.
    const client = new MongoClient("mongodb://127.0.0.1:9/", { serverSelectionTimeoutMS: 100 });
    const { cache, events } = openCache("unreachable", { client } as object);
    expect(await makeGraph(cache).invoke({})).toEqual({ result: "done" });
    expect(events.map((event) => event.type === "cache-failure" && event.operation)).toEqual([
      "get",
      "set",
    ]);
    await client.close();
  });

  it("when the value cannot be stored, and when the listener throws on top of it", async () => {
    const value = () => "code";
    let reported = 0;
    const { cache } = openCache("unstorable", {
      onEvent: () => {
        reported += 1;
        throw new Error("thrown by the listener");
      },
    });
    const graph = makeGraph(cache, () => value);
    for (let round = 1; round <= 2; round += 1) {
      expect(await graph.invoke({})).toEqual({ result: value });
      expect(reported).toBe(round);
    }
  });

  it("when the entry is damaged: the node runs again and mends it", async () => {
    const { cache, events, collection } = openCache("mended");
    let runs = 0;
    const graph = makeGraph(cache, () => {
      runs += 1;
      return "done";
    });
    await graph.invoke({});
    await collection.updateMany({}, { $set: { data: Buffer.from("nonsense") } });
    for (let round = 0; round < 3; round += 1) {
      expect(await graph.invoke({})).toEqual({ result: "done" });
    }
    expect(runs).toBe(2);
    expect(events).toMatchObject([{ type: "unreadable-entry" }]);
  });
});

it("a subclass and a wrapped cache work as the cache itself", async () => {
  class Counting extends MongoDBCache {
    gets = 0;
    override get(...args: Parameters<MongoDBCache["get"]>): ReturnType<MongoDBCache["get"]> {
      this.gets += 1;
      return super.get(...args);
    }
  }
  const cache = new Counting({ client: database.client, dbName: database.name });
  for (const each of [cache, new Proxy(cache, {}), Object.create(cache) as Counting]) {
    await each.set([{ key: [["n"], "k"], value: 1 }]);
    expect(await each.get([[["n"], "k"]])).toMatchObject([{ value: 1 }]);
  }
  expect(cache.gets).toBe(2);
});
