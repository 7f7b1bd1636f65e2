import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  Send,
  START,
  StateGraph,
  type StateSnapshot,
} from "@langchain/langgraph";
import {
  BinaryOperatorAggregate,
  EphemeralValue,
  LastValue,
  Topic,
} from "@langchain/langgraph/channels";
import { Channel, Pregel } from "@langchain/langgraph/pregel";
import { describe, expect, it } from "vitest";
import { useBothSavers } from "./both-savers.ts";
import { outcomeOf, readGraph, readHistory } from "./read-graph.ts";
import { readVersioned } from "./read-everything.ts";

const { expectSame } = useBothSavers();

const DURABILITIES = ["sync", "async", "exit"] as const;

const State = Annotation.Root({
  ran: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  targets: Annotation<string[]>,
  zero: Annotation<number>,
  no: Annotation<boolean>,
  empty: Annotation<string>,
});

const mark = (name: string) => () => ({ ran: [name] });

/** Nodes that wait for several others, one that waits for all, and routes that leave some out. */
const buildJoining = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("a", mark("a"))
    .addNode("b", mark("b"))
    .addNode("slow", mark("slow"))
    .addNode("merge", mark("merge"))
    .addNode("last", mark("last"), { defer: true })
    .addConditionalEdges(START, ({ targets }) => targets, ["a", "b", "slow"])
    .addEdge("slow", "b")
    .addEdge(["a", "b"], "merge")
    .addEdge("a", "last")
    .addEdge("merge", "last")
    .compile({ checkpointer, interruptBefore: ["b"] });

describe.each(DURABILITIES)("channels of a StateGraph, with durability %s", (durability) => {
  it.each([[["a", "b"]], [["a"]], [["a", "slow"]], [["slow"]], [["b"]]])(
    "that wait for others are as they were left, with the targets %j",
    async (targets) => {
      const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
        const config = { ...thread, durability };
        const steps: unknown[] = [];
        steps.push(await outcomeOf(buildJoining(saver).invoke({ targets }, config)));
        steps.push(await readGraph(buildJoining(elsewhere), config));
        steps.push(await outcomeOf(buildJoining(elsewhere).invoke(null, config)));
        const { state, history } = await readGraph(buildJoining(saver), config);
        return { steps, state, history, waiting: waitingIn(history) };
      });
      expect(found.waiting).toHaveLength(found.history.length);
    },
  );

  it("hold falsy values, and none where there is none", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread, threadId }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("same", (state) => state)
          .addEdge(START, "same")
          .compile({ checkpointer });
      await build(saver).invoke({ zero: 0, no: false, empty: "" }, config);
      const graph = await readGraph(build(elsewhere), config);
      return { ...graph, ...(await readVersioned(elsewhere, threadId)) };
    });
    expect(found.state.values).toEqual({ ran: [], zero: 0, no: false, empty: "" });
  });

  it("get several writes of one task, and tasks that a Command sends", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode(
            "map",
            () =>
              new Command({
                update: [
                  ["ran", ["one"]],
                  ["ran", ["two"]],
                ],
                goto: [new Send("task", { index: 1 }), new Send("task", { index: 0 })],
              }),
            { ends: ["task"] },
          )
          .addNode("task", ({ index }: { index: number }) => ({ ran: [`task ${index}`] }))
          .addEdge(START, "map")
          .compile({ checkpointer });
      await build(saver).invoke({}, config);
      return readGraph(build(elsewhere), config);
    });
    expect(found.state.values).toMatchObject({ ran: ["one", "two", "task 1", "task 0"] });
  });

  it("are found by what LangGraph's history asks for", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      for (const targets of [["b"], ["a"], ["slow"]]) {
        await buildJoining(saver).invoke({ targets }, config);
      }
      const graph = buildJoining(elsewhere);
      const all = await readHistory(graph, config);
      const options = [
        { limit: 1 },
        { limit: 2, before: all[1]!.config },
        { filter: { source: "loop" } },
        { filter: { source: "input", step: -1 } },
        { filter: { source: "update" } },
        { limit: 2, filter: { source: "loop" }, before: all[0]!.config },
      ];
      return Promise.all(
        options.map((option) => Array.fromAsync(graph.getStateHistory(config, option))),
      );
    });
    expect(found[0]).toHaveLength(1);
    expect(found[4]).toEqual([]);
  });
});

function waitingIn(history: readonly StateSnapshot[]): unknown[] {
  return history.map((state) => (state as { waitingEdges?: unknown }).waitingEdges);
}

describe("channels of a Pregel program", () => {
  const build = (checkpointer: BaseCheckpointSaver) =>
    new Pregel({
      nodes: {
        one: Channel.subscribeTo("input")
          .pipe((input: number) => {
            if (input > 10) throw new Error("too large");
            return input + 1;
          })
          .pipe(Channel.writeTo(["inbox", "total"])),
        two: Channel.subscribeTo("inbox")
          .pipe((inbox: number[]) => inbox.map((value) => value * 2))
          .pipe(Channel.writeTo(["output", "kept"])),
      },
      channels: {
        input: new LastValue<number>(),
        fleeting: new EphemeralValue<string>(),
        inbox: new Topic<number>(),
        kept: new Topic<number[]>({ accumulate: true }),
        total: new BinaryOperatorAggregate<number>(
          (a, b) => a + b,
          () => 0,
        ),
        output: new LastValue<number[]>(),
      },
      inputChannels: ["input", "fleeting"],
      outputChannels: "output",
      checkpointer,
    });

  it("hold what each kind keeps, after failures and updates too", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const steps: unknown[] = [];
      for (const input of [1, 2, 11, 3]) {
        const fleeting = `with ${input}`;
        steps.push(await outcomeOf(build(saver).invoke({ input, fleeting }, config)));
        steps.push(await saver.get(config));
      }
      await build(elsewhere).updateState(config, 5, "one");
      steps.push(await outcomeOf(build(elsewhere).invoke(null, config)));
      return {
        steps,
        ...(await readGraph(build(elsewhere), config)),
        ...(await readVersioned(elsewhere, threadId)),
      };
    });
    expect(found.latest?.checkpoint.channel_values).not.toHaveProperty("fleeting");
  });
});
