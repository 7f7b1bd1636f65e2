import { AIMessage, HumanMessage, RemoveMessage } from "@langchain/core/messages";
import { isDeltaSnapshot, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  messagesDeltaReducer,
  Overwrite,
  Send,
  START,
  StateGraph,
  type StateSnapshot,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { useBothSavers } from "./both-savers.ts";
import { outcomeOf, readGraph, readHistory } from "./read-graph.ts";
import { readVersioned } from "./read-everything.ts";

const { expectSame } = useBothSavers();

const DURABILITIES = ["sync", "async", "exit"] as const;

const append = (state: string[], writes: string[][]): string[] => [...state, ...writes.flat()];
const delta = (snapshotFrequency = 1_000) =>
  new DeltaChannel<string[], string[]>(append, { snapshotFrequency });

const State = Annotation.Root({
  log: delta(),
  often: delta(2),
  plain: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  round: Annotation<number>,
});
type Values = typeof State.State;

/** The same in all channels, so that each shows whether the others are right. */
const all = (word: string) => ({ log: [word], often: [word], plain: [word] });

/** Many nodes at once, many sent tasks, one after them. */
const buildFanOut = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("h", () => all("h"))
    .addNode("c", () => all("c"))
    .addNode("a", () => all("a"))
    .addNode("\u{1d400}", () => all("astral"))
    .addNode("\ue000", () => all("private"))
    .addNode("worker", (word: string) => all(word))
    .addNode("last", () => all("last"))
    .addEdge(START, "h")
    .addEdge(START, "c")
    .addEdge(START, "a")
    .addEdge(START, "\u{1d400}")
    .addEdge(START, "\ue000")
    .addConditionalEdges(START, () =>
      Array.from({ length: 11 }, (_, index) => new Send("worker", `send ${index}`)),
    )
    .addEdge("a", "last")
    .compile({ checkpointer });

/** Two nodes at once, one after them. */
const buildPair = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("b", () => all("b"))
    .addNode("a", () => all("a"))
    .addNode("last", () => all("last"))
    .addEdge(START, "b")
    .addEdge(START, "a")
    .addEdge("a", "last")
    .compile({ checkpointer });

/** A task that is done, one that asks, one after it. */
const buildAsking = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("z", ({ round }: Values) => all(`z${round}`))
    .addNode("asks", () => all(`asked ${interrupt<string, string>("?")}`))
    .addNode("after", () => all("after"))
    .addEdge(START, "z")
    .addEdge(START, "asks")
    .addEdge("asks", "after")
    .compile({ checkpointer });

/** What the delta channels hold, wherever they are read, is what the plain one holds. */
function expectChannelsAgree(states: readonly StateSnapshot[]): void {
  expect(states.length).toBeGreaterThan(0);
  for (const { values } of states) {
    const { log = [], often = [], plain = [] } = values as Partial<Values>;
    expect({ log, often }).toEqual({ log: plain, often: plain });
  }
}

describe.each(DURABILITIES)("delta channels, with durability %s", (durability) => {
  it("are put together in the order in which tasks were applied", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const live: unknown[] = [];
      for (const word of ["first", "second", "third"]) {
        live.push(await buildFanOut(saver).invoke(all(word), config));
      }
      return { live, ...(await readGraph(buildFanOut(elsewhere), config)) };
    });
    expectChannelsAgree([found.state, ...found.history]);
    expect(found.state.values).toEqual(found.live.at(-1));
  });

  it("hold what came before and after an answer, once", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const steps: StateSnapshot[] = [];
      for (const round of [1, 2]) {
        await buildAsking(saver).invoke({ ...all(`in${round}`), round }, config);
        steps.push(await buildAsking(elsewhere).getState(config));
        const answer = new Command<unknown, Partial<Values>, never>({
          resume: "yes",
          update: all(`with ${round}`),
        });
        await buildAsking(elsewhere).invoke(answer, config);
        steps.push(await buildAsking(saver).getState(config));
      }
      return { steps, ...(await readGraph(buildAsking(elsewhere), config)) };
    });
    expectChannelsAgree([...found.steps, ...found.history]);
  });

  it("hold the same after an answer that names the checkpoint it is for", async () => {
    await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      await buildAsking(saver).invoke({ ...all("in"), round: 1 }, config);
      const { config: head } = await buildAsking(elsewhere).getState(config);
      const answer = new Command<unknown, Partial<Values>, never>({
        resume: "yes",
        update: { round: 2 },
      });
      const live = await buildAsking(saver).invoke(answer, { ...head, durability });
      return { live, ...(await readGraph(buildAsking(elsewhere), config)) };
    });
  });

  it("of forks hold what is on their own branch", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const graph = buildPair(saver);
      await graph.invoke(all("in1"), config);
      await graph.invoke(all("in2"), config);
      const history = await readHistory(graph, config);
      const ends: StateSnapshot[] = [];
      for (const [index, { config: at }] of history.entries()) {
        await graph.invoke(all(`fork ${index}`), { ...at, durability });
        ends.push(await buildPair(elsewhere).getState(config));
        const edited = await graph.updateState(at, all(`edit ${index}`), "last");
        ends.push(await buildPair(elsewhere).getState(edited));
      }
      const before = [];
      for (const { config: at } of history) before.push(await buildPair(elsewhere).getState(at));
      return { before, ends, ...(await readGraph(buildPair(elsewhere), config)) };
    });
    expectChannelsAgree([...found.before, ...found.ends, ...found.history]);
  });

  it("are as an overwrite left them", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("a", () => all("a"))
          .addNode("b", () => ({ log: new Overwrite(["b"]), often: new Overwrite(["b"]) }))
          .addNode("c", () => all("c"))
          .addNode("d", () => all("d"))
          .addEdge(START, "a")
          .addEdge("a", "b")
          .addEdge("a", "c")
          .addEdge("b", "d")
          .compile({ checkpointer });
      const live = await build(saver).invoke(all("in"), config);
      await build(elsewhere).updateState(config, { log: new Overwrite(["updated"]) }, "d");
      const again = await build(saver).invoke(all("again"), config);
      return { live, again, ...(await readGraph(build(elsewhere), config)) };
    });
    expect(found.live).toMatchObject({ log: ["b", "d"], often: ["b", "d"] });
  });

  it("of subgraphs are put together too", async () => {
    await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      const build = (checkpointer: BaseCheckpointSaver) => {
        const inner = buildAsking(true as unknown as BaseCheckpointSaver);
        return new StateGraph(State)
          .addNode("inner", inner)
          .addNode("beside", () => all("beside"))
          .addEdge(START, "inner")
          .addEdge(START, "beside")
          .compile({ checkpointer });
      };
      const steps: unknown[] = [];
      for (const round of [1, 2]) {
        steps.push(await build(saver).invoke({ ...all(`in${round}`), round }, config));
        steps.push(await readGraph(build(elsewhere), config));
        steps.push(await build(elsewhere).invoke(new Command({ resume: "yes" }), config));
      }
      return [steps, await readGraph(build(elsewhere), config)];
    });
  });

  it("are as before where a run failed, and its next try finishes it", async () => {
    await expectSame(async ({ saver, elsewhere, config: thread }) => {
      const config = { ...thread, durability };
      let failures = 1;
      const build = (checkpointer: BaseCheckpointSaver) =>
        new StateGraph(State)
          .addNode("a", () => all("a"))
          .addNode("b", async () => {
            failures -= 1;
            if (failures >= 0) throw new Error("b failed");
            return all("b");
          })
          .addNode("c", () => all("c"))
          .addEdge(START, "a")
          .addEdge(START, "c")
          .addEdge("a", "b")
          .compile({ checkpointer });
      const failed = await outcomeOf(build(saver).invoke(all("in"), config));
      const between = await readGraph(build(elsewhere), config);
      const finished = await outcomeOf(build(elsewhere).invoke(null, config));
      return { failed, between, finished, ...(await readGraph(build(saver), config)) };
    });
  });
});

describe("a conversation", () => {
  const Conversation = Annotation.Root({
    messages: new DeltaChannel(messagesDeltaReducer, {
      initialValueFactory: () => [],
      snapshotFrequency: 3,
    }),
    notes: new DeltaChannel(messagesDeltaReducer, { initialValueFactory: () => [] }),
  });
  const build = (checkpointer: BaseCheckpointSaver) =>
    new StateGraph(Conversation)
      .addNode("model", ({ messages }: typeof Conversation.State) => ({
        messages: [
          // Ids are given by the reducer, and must be the same each time they are read.
          new AIMessage(`answer ${messages.length}`),
          new AIMessage({ id: "last", content: `last ${messages.length}` }),
        ],
      }))
      .addEdge(START, "model")
      .compile({ checkpointer });

  it("has the same messages with the same ids whoever reads it", async () => {
    await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      for (const text of ["one", "two", "three", "four"]) {
        await build(saver).invoke({ messages: [new HumanMessage(text)] }, config);
      }
      const removed = (await build(saver).getState(config)).values as typeof Conversation.State;
      const remove = new RemoveMessage({ id: removed.messages[0]!.id! });
      await build(elsewhere).updateState(config, { messages: [remove] }, "model");
      await build(elsewhere).updateState(config, { messages: [new HumanMessage("five")] }, "model");
      const first = await build(saver).getState(config);
      const second = await build(elsewhere).getState(config);
      expect(second.values).toEqual(first.values);
      return { first, ...(await readGraph(build(elsewhere), config)), threadId };
    });
  });

  it("has snapshots where LangGraph makes them, and nowhere else a value", async () => {
    const found = await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      for (const text of ["one", "two", "three", "four"]) {
        await build(saver).invoke(
          { messages: [new HumanMessage({ content: text, id: text })] },
          config,
        );
      }
      return readVersioned(elsewhere, threadId);
    });
    const values = found.listed.map(({ checkpoint }) => checkpoint.channel_values["messages"]);
    expect(values.some((value) => isDeltaSnapshot(value))).toBe(true);
    expect(values.every((value) => value === undefined || isDeltaSnapshot(value))).toBe(true);
    expect(found.listed.every(({ checkpoint }) => !("notes" in checkpoint.channel_values))).toBe(
      true,
    );
  });

  it("continues from a channel that was an ordinary one before", async () => {
    await expectSame(async ({ saver, elsewhere, config }) => {
      const Before = Annotation.Root({
        messages: Annotation<unknown[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
      });
      const before = new StateGraph(Before)
        .addNode("model", () => ({ messages: [new AIMessage({ id: "old", content: "old" })] }))
        .addEdge(START, "model")
        .compile({ checkpointer: saver });
      await before.invoke({ messages: [new HumanMessage({ id: "q", content: "q" })] }, config);
      const message = new HumanMessage({ id: "new", content: "new" });
      const live = await build(elsewhere).invoke({ messages: [message] }, config);
      return { live, ...(await readGraph(build(saver), config)) };
    });
  });
});
