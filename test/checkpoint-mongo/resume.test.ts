import {
  Annotation,
  Command,
  END,
  interrupt,
  Send,
  START,
  StateGraph,
  type BaseCheckpointSaver,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** How often each node was run. */
class Runs {
  readonly counts: Record<string, number> = {};

  count(name: string): number {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    return this.counts[name];
  }
}

describe("parallel nodes of which one fails", () => {
  /** Three nodes side by side; `flaky` fails until it is mended. */
  function compile(checkpointer: BaseCheckpointSaver, runs: Runs, isMended: () => boolean) {
    const run = (name: string) => () => {
      runs.count(name);
      if (name === "flaky" && !isMended()) throw new Error("flaky failed");
      return { log: [name] };
    };
    return new StateGraph(State)
      .addNode("start", run("start"))
      .addNode("left", run("left"))
      .addNode("flaky", run("flaky"))
      .addNode("right", run("right"))
      .addNode("join", run("join"))
      .addEdge(START, "start")
      .addEdge("start", "left")
      .addEdge("start", "flaky")
      .addEdge("start", "right")
      .addEdge("left", "join")
      .addEdge("flaky", "join")
      .addEdge("right", "join")
      .addEdge("join", END)
      .compile({ checkpointer });
  }

  it("only that one runs again on resume, also in another process", async () => {
    const runs = new Runs();
    const config = { configurable: { thread_id: "flaky" } };
    let mended = false;
    const first = compile(database.openSaver(), runs, () => mended);
    await expect(first.invoke({ log: ["input"] }, config)).rejects.toThrow("flaky failed");
    await expect(first.invoke(null, config)).rejects.toThrow("flaky failed");
    const state = await first.getState(config);
    expect(state.next).toEqual(["flaky"]);
    expect(state.tasks.find(({ name }) => name === "flaky")?.error).toBeDefined();

    mended = true;
    const second = compile(database.openSaverElsewhere(), runs, () => mended);
    const result = await second.invoke(null, config);
    expect(result.log.toSorted()).toEqual(["flaky", "input", "join", "left", "right", "start"]);
    expect(runs.counts).toEqual({ start: 1, left: 1, right: 1, flaky: 3, join: 1 });
    expect((await second.getState(config)).next).toEqual([]);
  });
});

describe("an interrupt", () => {
  function compile(checkpointer: BaseCheckpointSaver, runs: Runs) {
    return new StateGraph(State)
      .addNode("ask", () => {
        runs.count("ask");
        const name = interrupt<string, string>("your name?");
        const age = interrupt<object, number>({ question: "your age?", name });
        return { log: [`${name} is ${age}`] };
      })
      .addNode("after", () => ({ log: ["after"] }))
      .addEdge(START, "ask")
      .addEdge("ask", "after")
      .compile({ checkpointer });
  }

  it("waits in the database until a Command resumes it, also in another process", async () => {
    const runs = new Runs();
    const config = { configurable: { thread_id: "asking" } };
    const open = () => compile(database.openSaverElsewhere(), runs);
    await open().invoke({ log: [] }, config);
    const asked = await open().getState(config);
    expect(asked.next).toEqual(["ask"]);
    expect(asked.tasks[0]?.interrupts).toMatchObject([{ value: "your name?" }]);

    await open().invoke(new Command({ resume: "Ada" }), config);
    const askedAgain = await open().getState(config);
    // The state's history of this task is its first answer and its second question.
    expect(askedAgain.tasks[0]?.interrupts).toMatchObject([
      { value: { question: "your age?", name: "Ada" } },
    ]);
    const done = await open().invoke(new Command({ resume: 36 }), config);
    expect(done.log).toEqual(["Ada is 36", "after"]);
    expect(runs.counts).toEqual({ ask: 3 });
  });

  it("may be answered together with an update of the state", async () => {
    const config = { configurable: { thread_id: "command" } };
    const graph = compile(database.openSaver(), new Runs());
    await graph.invoke({ log: [] }, config);
    await graph.invoke(new Command({ resume: "Ada" }), config);
    const done = await graph.invoke(
      new Command({ resume: 36, update: { log: ["updated"] } }),
      config,
    );
    expect(done.log).toEqual(["updated", "Ada is 36", "after"]);
  });
});

describe("interrupts in parallel nodes", () => {
  function compile(checkpointer: BaseCheckpointSaver, runs: Runs) {
    const ask = (name: string) => () => {
      runs.count(name);
      return { log: [`${name}: ${interrupt<string, string>(`${name}?`)}`] };
    };
    return new StateGraph(State)
      .addNode("left", ask("left"))
      .addNode("right", ask("right"))
      .addNode("busy", () => {
        runs.count("busy");
        return { log: ["busy"] };
      })
      .addEdge(START, "left")
      .addEdge(START, "right")
      .addEdge(START, "busy")
      .compile({ checkpointer });
  }

  async function interruptBoth(threadId: string) {
    const runs = new Runs();
    const config = { configurable: { thread_id: threadId } };
    await compile(database.openSaver(), runs).invoke({ log: [] }, config);
    const graph = compile(database.openSaverElsewhere(), runs);
    const { tasks } = await graph.getState(config);
    const ids = Object.fromEntries(
      tasks.flatMap(({ name, interrupts }) => interrupts.map(({ id }) => [name, id!])),
    ) as { left: string; right: string };
    return { runs, config, graph, ids };
  }

  it("are resumed all at once, each by its id", async () => {
    const { runs, config, graph, ids } = await interruptBoth("together");
    const resume = { [ids.left]: "L", [ids.right]: "R" };
    const { log } = await graph.invoke(new Command({ resume }), config);
    expect(log.toSorted()).toEqual(["busy", "left: L", "right: R"]);
    expect(runs.counts["busy"]).toBe(1);
  });

  it("are resumed one after the other, each by its id", async () => {
    const { runs, config, graph, ids } = await interruptBoth("in-turn");
    await graph.invoke(new Command({ resume: { [ids.right]: "R" } }), config);
    expect((await graph.getState(config)).next).toEqual(["left"]);
    const elsewhere = compile(database.openSaverElsewhere(), runs);
    const { log } = await elsewhere.invoke(new Command({ resume: { [ids.left]: "L" } }), config);
    expect(log.toSorted()).toEqual(["busy", "left: L", "right: R"]);
    expect(runs.counts["busy"]).toBe(1);
  });
});

describe("a fan-out with Send", () => {
  it("resumes only the failed tasks, each with its own input", async () => {
    const runs = new Runs();
    let mended = false;
    const Fan = Annotation.Root({
      items: Annotation<number[]>,
      results: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    });
    const compile = (checkpointer: BaseCheckpointSaver) =>
      new StateGraph(Fan)
        .addNode("plan", () => ({ items: Array.from({ length: 20 }, (_, index) => index) }))
        .addNode("work", (input: { item?: number }) => {
          runs.count(`work ${input.item}`);
          if (input.item! % 7 === 3 && !mended) throw new Error(`item ${input.item} failed`);
          return { results: [`done ${input.item}`] };
        })
        .addEdge(START, "plan")
        .addConditionalEdges("plan", ({ items }) => items.map((item) => new Send("work", { item })))
        .compile({ checkpointer });
    const config = { configurable: { thread_id: "fan-out" } };
    await expect(compile(database.openSaver()).invoke({ items: [] }, config)).rejects.toThrow(
      "Multiple errors",
    );
    mended = true;
    const result = await compile(database.openSaverElsewhere()).invoke(null, config);
    expect(result.results).toEqual(Array.from({ length: 20 }, (_, item) => `done ${item}`));
    for (let item = 0; item < 20; item += 1) {
      expect(runs.counts[`work ${item}`]).toBe(item % 7 === 3 ? 2 : 1);
    }
  });
});
