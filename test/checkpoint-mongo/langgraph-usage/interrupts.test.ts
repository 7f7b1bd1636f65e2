import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  END,
  interrupt,
  Send,
  START,
  StateGraph,
  type StateSnapshot,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { useBothSavers } from "./both-savers.ts";
import { outcomeOf, readGraph } from "./read-graph.ts";

const { expectSame } = useBothSavers();

const State = Annotation.Root({
  log: Annotation<string[], string | string[]>({
    reducer: (a, b) => [...a, ...(Array.isArray(b) ? b : [b])],
    default: () => [],
  }),
  answer: Annotation<unknown>,
});

const DURABILITIES = ["sync", "async", "exit"] as const;

const ask = (question: unknown): string => String(interrupt(question));

/** Three tasks of one step: two ask, one is done before they are answered. */
const buildParallel = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("z_done", () => ({ log: "done" }))
    .addNode("asks", () => ({ log: [`a: ${ask("a?")}`, `b: ${ask({ b: ["?"] })}`] }))
    .addNode("also_asks", ({ log }: typeof State.State) => ({ log: `${log.length} ${ask(0)}` }))
    .addNode("after", () => ({ log: "after" }))
    .addEdge(START, "z_done")
    .addEdge(START, "asks")
    .addEdge(START, "also_asks")
    .addEdge("asks", "after")
    .compile({ checkpointer });

/** The ids of what is asked, by question. */
const idsOf = ({ tasks }: StateSnapshot): Record<string, string> =>
  Object.fromEntries(
    tasks.flatMap(({ interrupts }) =>
      interrupts.map(({ id, value }) => [JSON.stringify(value), id ?? ""]),
    ),
  );

describe.each(DURABILITIES)("questions, with durability %s", (durability) => {
  it("of several tasks are answered one by one, by their ids", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const graph = buildParallel(saver);
      const steps: unknown[] = [await graph.invoke({ log: ["in"] }, config)];
      const answers = { '"a?"': "A", '{"b":["?"]}': "B", "0": "zero" };
      for (const [question, answer] of Object.entries(answers)) {
        // Each answer comes in by another process than the one that asked.
        const reader = buildParallel(elsewhere);
        const ids = idsOf(await reader.getState(config));
        const resume = { [ids[question] ?? ""]: answer };
        steps.push(await outcomeOf(reader.invoke(new Command({ resume }), config)));
        steps.push(await readGraph(graph, config));
      }
      return { steps, ...(await readGraph(graph, config)) };
    });
    expect(found.state.next).toEqual([]);
  });

  it("are dropped by new input, by an update as another node and by the end", async () => {
    await expectSame(async ({ saver, threadId }) => {
      const graph = buildParallel(saver);
      const found: unknown[] = [];
      for (const way of ["input", "as node", "end", "copy"] as const) {
        const config = { configurable: { thread_id: `${threadId} ${way}` }, durability };
        await graph.invoke({ log: ["in"] }, config);
        if (way === "input") found.push(await graph.invoke({ log: ["again"] }, config));
        if (way === "as node") await graph.updateState(config, { log: ["updated"] }, "asks");
        if (way === "end") await graph.updateState(config, null, END);
        if (way === "copy") await graph.updateState(config, null, "__copy__");
        found.push(await readGraph(graph, config), await outcomeOf(graph.invoke(null, config)));
        found.push(await readGraph(graph, config));
      }
      return found;
    });
  });

  it("of one task are asked again from the first where it is replayed", async () => {
    await expectSame(async ({ saver, config: thread }) => {
      const config = { ...thread, durability };
      const graph = buildParallel(saver);
      await graph.invoke({ log: ["in"] }, config);
      const first = await graph.getState(config);
      await graph.invoke(new Command({ resume: { [idsOf(first)['"a?"']!]: "A" } }), config);
      const replayed = await graph.invoke(null, { ...first.config, durability });
      return { replayed, ...(await readGraph(graph, config)) };
    });
  });

  it("come before and after nodes, and take an update with their answer", async () => {
    const found = await expectSame(async ({ saver, config: thread }) => {
      const config = { ...thread, durability };
      const graph = new StateGraph(State)
        .addNode("router", () => new Command({ goto: END }), { ends: ["asks", END] })
        .addNode("asks", () => ({ log: `asked ${ask("?")}` }))
        .addNode("last", () => ({ log: "last" }))
        .addEdge(START, "router")
        .addEdge("asks", "last")
        .compile({ checkpointer: saver, interruptBefore: ["last"] });
      const steps: unknown[] = [
        await graph.invoke({ log: ["in"] }, config),
        await graph.invoke(new Command({ goto: "asks", update: { log: "update" } }), config),
        await readGraph(graph, config),
        await graph.invoke(new Command({ resume: "yes", update: { log: "with it" } }), config),
        await readGraph(graph, config),
        await graph.invoke(null, config),
      ];
      return { steps, ...(await readGraph(graph, config)) };
    });
    expect(found.state.values).toMatchObject({
      log: ["in", "update", "with it", "asked yes", "last"],
    });
  });

  it("of sent tasks keep those that are done", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("worker", ({ answer }: { answer: number }) => ({
            log: answer % 2 === 0 ? `${answer} done` : `${answer} ${ask(answer)}`,
          }))
          .addConditionalEdges(START, () =>
            [4, 3, 2, 1].map((n) => new Send("worker", { answer: n })),
          )
          .compile({ checkpointer });
      const first = await build(saver).invoke({ log: [] }, config);
      const asked = await readGraph(build(elsewhere), config);
      const ids = idsOf(asked.state);
      const resume = { [ids["1"]!]: "one", [ids["3"]!]: "three" };
      const last = await build(elsewhere).invoke(new Command({ resume }), config);
      return { first, asked, last, ...(await readGraph(build(saver), config)) };
    });
    expect(found.state.values).toMatchObject({ log: ["4 done", "3 three", "2 done", "1 one"] });
  });

  it.each([{}, { checkpointer: true }])(
    "of subgraphs in subgraphs are found and answered, compiled with %j",
    async (options) => {
      const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
        const config = { ...thread, durability };
        const build = (outer: BaseCheckpointSaver) => {
          const inmost = new StateGraph(State)
            .addNode("before", () => ({ log: "before" }))
            .addNode("asks", () => ({ log: `inmost ${ask("inmost?")}` }))
            .addEdge(START, "before")
            .addEdge("before", "asks")
            .compile(options);
          const inner = new StateGraph(State)
            .addNode("inmost", inmost)
            .addNode("asks", () => ({ log: `inner ${ask("inner?")}` }))
            .addEdge(START, "inmost")
            .addEdge("inmost", "asks")
            .compile(options);
          return new StateGraph(State)
            .addNode("inner", inner)
            .addNode("after", () => ({ answer: "end" }))
            .addEdge(START, "inner")
            .addEdge("inner", "after")
            .compile({ checkpointer: outer });
        };
        const steps: unknown[] = [await build(saver).invoke({ log: ["in"] }, config)];
        for (const resume of ["1", "2"]) {
          steps.push(await readGraph(build(elsewhere), config));
          steps.push(await build(elsewhere).invoke(new Command({ resume }), config));
        }
        // A second turn finds what subgraphs keep from the first.
        steps.push(await build(saver).invoke({ log: ["again"] }, config));
        steps.push(await readGraph(build(elsewhere), config));
        return steps;
      });
      expect(found).toHaveLength(7);
    },
  );
});
