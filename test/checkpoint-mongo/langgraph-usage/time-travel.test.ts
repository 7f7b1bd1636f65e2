import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  interrupt,
  Send,
  START,
  StateGraph,
  type StateSnapshot,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { useBothSavers } from "./both-savers.ts";
import { outcomeOf, readGraph, readHistory } from "./read-graph.ts";

const { expectSame } = useBothSavers();

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  round: Annotation<number>,
});

/** What is there to travel to is the same with durability sync as with async. */
const DURABILITIES = ["async", "exit"] as const;

/** A plan, work that is sent out, a question, an end. */
const build = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("plan", ({ round }: typeof State.State) => ({ log: [`plan ${round}`] }))
    .addNode("work", ({ part }: { part: number }) => ({ log: [`part ${part}`] }))
    .addNode("ask", () => ({ log: [`answer ${interrupt<string, string>("?")}`] }))
    .addNode("end", () => ({ log: ["end"] }))
    .addEdge(START, "plan")
    .addConditionalEdges("plan", () => [
      new Send("work", { part: 1 }),
      new Send("work", { part: 2 }),
      "ask",
    ])
    .addEdge("ask", "end")
    .compile({ checkpointer });

type Graph = ReturnType<typeof build>;
type Config = { configurable: { thread_id: string }; durability: (typeof DURABILITIES)[number] };

async function startThread(graph: Graph, config: Config): Promise<StateSnapshot[]> {
  await graph.invoke({ log: ["in"], round: 1 }, config);
  await graph.invoke(new Command({ resume: "yes" }), config);
  return readHistory(graph, config);
}

describe.each(DURABILITIES)("from any checkpoint, with durability %s", (durability) => {
  const WAYS: [string, (graph: Graph, at: StateSnapshot) => Promise<unknown>][] = [
    ["a replay", (graph, { config }) => graph.invoke(null, { ...config, durability })],
    [
      "new input",
      (graph, { config }) => graph.invoke({ log: ["new"], round: 2 }, { ...config, durability }),
    ],
    [
      "an update, and a run from it",
      async (graph, { config }) => {
        const fork = await graph.updateState(config, { log: ["update"] }, "plan");
        return [fork, await graph.invoke(null, { ...fork, durability })];
      },
    ],
    [
      "an update without values",
      async (graph, { config }) => {
        const fork = await graph.updateState(config, null);
        return [fork, await graph.invoke(null, { ...fork, durability })];
      },
    ],
    [
      "a copy that is run",
      async (graph, { config }) => {
        const copy = await graph.updateState(config, null, "__copy__");
        return [copy, await graph.invoke(null, { ...copy, durability })];
      },
    ],
    [
      "a copy with other results of its tasks",
      async (graph, { config, tasks }) => {
        const results = tasks.map(({ name }, index) => [{ log: [`instead ${index}`] }, name]);
        const copy = await graph.updateState(config, results, "__copy__");
        return [copy, await graph.invoke(null, { ...copy, durability })];
      },
    ],
    [
      "an answer",
      (graph, { config }) =>
        graph.invoke(new Command({ resume: "late" }), { ...config, durability }),
    ],
  ];

  it.each(WAYS)("%s leads where it does with LangGraph's own saver", async (_name, act) => {
    await expectSame(async ({ saver, elsewhere, threadId }) => {
      const found: unknown[] = [];
      const first = { configurable: { thread_id: threadId }, durability };
      const length = (await startThread(build(saver), first)).length;
      for (let index = 0; index < length; index += 1) {
        // A thread of its own for each checkpoint, so that branches do not add up.
        const config = { configurable: { thread_id: `${threadId} ${index}` }, durability };
        const graph = build(saver);
        const history = await startThread(graph, config);
        found.push(await outcomeOf(act(graph, history[index]!)));
        found.push(await readGraph(build(elsewhere), config));
      }
      return found;
    });
  });

  it("branches stay apart, and each is the latest in its turn", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const graph = build(saver);
      const history = await startThread(graph, config);
      const base = history.at(-1)!;
      const branches: unknown[] = [];
      for (const round of [2, 3, 4]) {
        await graph.invoke({ log: [`branch ${round}`], round }, { ...base.config, durability });
        branches.push(await build(elsewhere).getState(config));
        branches.push(await build(elsewhere).getState(history[0]!.config));
      }
      return { branches, history: await readHistory(build(elsewhere), config) };
    });
    expect(found.branches).toHaveLength(6);
  });
});

describe("a whole thread written by bulkUpdateState", () => {
  const supersteps = [
    { updates: [{ values: { log: ["in"], round: 1 }, asNode: "__input__" }] },
    { updates: [{ values: { log: ["in"], round: 1 }, asNode: "__start__" }] },
    {
      updates: [
        {
          values: new Command({ goto: [new Send("work", { part: 7 })], update: { log: ["plan"] } }),
          asNode: "plan",
        },
      ],
    },
    {
      updates: [
        { values: { log: ["part 7"] }, asNode: "work" },
        { values: { log: ["part 8"] }, asNode: "work" },
      ],
    },
    { updates: [{ values: null, asNode: "__end__" }] },
  ];

  it("has the same history", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config }) => {
      const graph = build(saver);
      const end = await graph.bulkUpdateState(config, supersteps);
      const clone = await readGraph(build(elsewhere), config);
      // A second turn upon it, and one more clone into the same thread.
      await graph.invoke({ log: ["on"], round: 2 }, config);
      await graph.bulkUpdateState(config, supersteps.slice(0, 3));
      return { end, clone, after: await readGraph(build(elsewhere), config) };
    });
    expect(found.clone.history.length).toBeGreaterThanOrEqual(supersteps.length);
  });

  it("refuses what LangGraph refuses, and stores nothing of it", async () => {
    await expectSame(async ({ saver, config }) => {
      const graph = build(saver);
      const refused = [
        await outcomeOf(graph.bulkUpdateState(config, [])),
        await outcomeOf(graph.bulkUpdateState(config, [{ updates: [] }])),
        await outcomeOf(
          graph.bulkUpdateState(config, [
            {
              updates: [
                { values: null, asNode: "__end__" },
                { values: null, asNode: "__copy__" },
              ],
            },
          ]),
        ),
      ];
      return { refused, history: await readHistory(graph, config) };
    });
  });
});

describe("a subgraph that keeps its own state", () => {
  const open = (checkpointer: BaseCheckpointSaver) => {
    const executor = new StateGraph(State)
      .addNode("step", () => ({ log: ["step"] }))
      .addNode("first", () => ({ log: [`first ${interrupt<string, string>("first?")}`] }))
      .addNode("second", () => ({ log: [`second ${interrupt<string, string>("second?")}`] }))
      .addEdge(START, "step")
      .addEdge("step", "first")
      .addEdge("first", "second")
      .compile({ checkpointer: true });
    return new StateGraph(State)
      .addNode("executor", executor)
      .addEdge(START, "executor")
      .compile({ checkpointer });
  };

  it("is read, replayed and forked by its own namespace", async () => {
    await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      const graph = open(saver);
      const inner = { configurable: { thread_id: threadId, checkpoint_ns: "executor" } };
      await graph.invoke({ log: ["in"] }, config);
      const atFirst = await open(elsewhere).getState(inner, { subgraphs: true });
      await graph.invoke(new Command({ resume: "1" }), config);
      const atSecond = await open(elsewhere).getState(inner, { subgraphs: true });
      await graph.invoke(new Command({ resume: "2" }), config);
      const found: unknown[] = [atFirst, atSecond, await readGraph(open(elsewhere), config)];
      for (const at of [atFirst, atSecond]) {
        found.push(await outcomeOf(graph.invoke(null, at.config)));
        const fork = await graph.updateState(at.config, { log: ["forked"] });
        found.push(fork, await outcomeOf(graph.invoke(null, fork)));
        found.push(await outcomeOf(graph.invoke(new Command({ resume: "again" }), fork)));
        found.push(await readGraph(open(elsewhere), config), await readHistory(graph, inner));
      }
      return found;
    });
  });
});
