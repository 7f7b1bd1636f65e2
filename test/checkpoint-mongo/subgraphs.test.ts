import {
  Annotation,
  Command,
  interrupt,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type StateSnapshot,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});
const Inner = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  secret: Annotation<string>,
});

/** A graph in a graph in a graph; the innermost asks, if it is to. */
function compile(checkpointer: BaseCheckpointSaver, { asks }: { asks: boolean }) {
  const innermost = new StateGraph(Inner)
    .addNode("first", () => ({ log: ["first"], secret: "inside" }))
    .addNode("second", ({ secret }) => ({
      log: [`${secret}: ${asks ? interrupt<string, string>("go on?") : "not asked"}`],
    }))
    .addEdge(START, "first")
    .addEdge("first", "second")
    .compile();
  const middle = new StateGraph(Inner)
    .addNode("before", () => ({ secret: "middle" }))
    .addNode("innermost", innermost)
    .addEdge(START, "before")
    .addEdge("before", "innermost")
    .compile();
  return new StateGraph(State)
    .addNode("middle", middle)
    .addNode("after", () => ({ log: ["after"] }))
    .addEdge(START, "middle")
    .addEdge("middle", "after")
    .compile({ checkpointer });
}

function inner(snapshot: StateSnapshot | undefined): StateSnapshot | undefined {
  return snapshot?.tasks[0]?.state as StateSnapshot | undefined;
}

describe("a graph with subgraphs", () => {
  it("keeps the state of each level in a namespace of its own while it waits", async () => {
    const config = { configurable: { thread_id: "asking" } };
    await compile(database.openSaver(), { asks: true }).invoke({ log: ["input"] }, config);
    // Read by another process.
    const graph = compile(database.openSaverElsewhere(), { asks: true });
    const root = await graph.getState(config, { subgraphs: true });
    expect(root.next).toEqual(["middle"]);
    expect(root.values).toEqual({ log: ["input"] });
    const middle = inner(root);
    expect(middle?.next).toEqual(["innermost"]);
    expect(middle?.values).toMatchObject({ secret: "middle" });
    const innermost = inner(middle);
    expect(innermost?.next).toEqual(["second"]);
    expect(innermost?.values).toMatchObject({ secret: "inside" });
    expect(innermost?.tasks[0]?.interrupts).toMatchObject([{ value: "go on?" }]);
    const namespaces = [root, middle, innermost].map(
      (state) => state?.config.configurable?.["checkpoint_ns"] as string,
    );
    expect(namespaces).toEqual([
      "",
      expect.stringMatching(/^middle:[^|]+$/),
      expect.stringMatching(/^middle:[^|]+\|innermost:[^|]+$/),
    ]);

    const done = await graph.invoke(new Command({ resume: "yes" }), config);
    expect(done.log.filter((line) => line === "first")).toHaveLength(1);
    expect(done.log.slice(-2)).toEqual(["inside: yes", "after"]);
    expect((await graph.getState(config, { subgraphs: true })).next).toEqual([]);
  });

  it("takes an update of the innermost state before it continues", async () => {
    const config = { configurable: { thread_id: "updated" } };
    const graph = compile(database.openSaver(), { asks: true });
    await graph.invoke({ log: ["input"] }, config);
    const innermost = inner(inner(await graph.getState(config, { subgraphs: true })));
    await graph.updateState(innermost!.config, { secret: "changed" });
    const elsewhere = compile(database.openSaverElsewhere(), { asks: true });
    const seen = inner(inner(await elsewhere.getState(config, { subgraphs: true })));
    expect(seen?.values).toMatchObject({ secret: "changed" });
    const done = await elsewhere.invoke(new Command({ resume: "yes" }), config);
    expect(done.log).toContain("changed: yes");
  });

  it("runs through without an interrupt, and streams the checkpoints of all levels", async () => {
    const config = { configurable: { thread_id: "running" } };
    const graph = compile(database.openSaver(), { asks: false });
    const namespaces = new Set<string>();
    const stream = await graph.stream(
      { log: ["input"] },
      { ...config, streamMode: "values", subgraphs: true },
    );
    for await (const [namespace] of stream) {
      namespaces.add(namespace.map((part) => part.replace(/:.*/, "")).join("|"));
    }
    expect([...namespaces].toSorted()).toEqual(["", "middle", "middle|innermost"]);
    const state = await compile(database.openSaverElsewhere(), { asks: false }).getState(config);
    expect((state.values as { log: string[] }).log.slice(-2)).toEqual([
      "inside: not asked",
      "after",
    ]);
    const all = await Array.fromAsync(
      database.openSaver().list({ configurable: config.configurable }),
    );
    const levels = all.map(
      ({ config: { configurable } }) =>
        (configurable!["checkpoint_ns"] as string).split("|").filter(Boolean).length,
    );
    expect(new Set(levels)).toEqual(new Set([0, 1, 2]));
  });
});

describe("a subgraph with a checkpointer of its own", () => {
  it("keeps its memory from one turn to the next", async () => {
    const compileTurns = (checkpointer: BaseCheckpointSaver) => {
      const counter = new StateGraph(Inner)
        .addNode("count", ({ log }) => ({ log: [`turn ${log.length}`], secret: "kept" }))
        .addEdge(START, "count")
        .compile({ checkpointer: true });
      const Outer = Annotation.Root({ turns: Annotation<number> });
      return new StateGraph(Outer)
        .addNode("counter", async (state) => {
          const { log } = await counter.invoke({ log: [] });
          return { turns: state.turns + log.length };
        })
        .addEdge(START, "counter")
        .compile({ checkpointer });
    };
    const config = { configurable: { thread_id: "remembering" } };
    const results: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const graph = compileTurns(database.openSaverElsewhere());
      results.push((await graph.invoke({ turns: 0 }, config)).turns);
    }
    expect(results).toEqual([1, 2, 3]);
  });
});
