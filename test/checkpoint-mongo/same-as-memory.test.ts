import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  messagesDeltaReducer,
  Send,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type StateSnapshot,
} from "@langchain/langgraph";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const ENCRYPTION = { keys: { a: "a master key of at least 32 bytes" }, currentKeyId: "a" };

const InnerState = Annotation.Root({
  ...MessagesAnnotation.spec,
  files: Annotation<Record<string, string>>({
    reducer: (a, b) => ({ ...a, ...b }),
    default: () => ({}),
  }),
  results: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  asks: Annotation<boolean>,
});
const State = Annotation.Root({
  ...InnerState.spec,
  fails: Annotation<boolean>,
  width: Annotation<number>,
});
type Values = typeof State.State;
type Durability = "sync" | "async" | "exit";

/** A graph with what matters to a saver: a fan-out, a subgraph, an interrupt, a failure. */
function compile(checkpointer: BaseCheckpointSaver) {
  const inner = new StateGraph(InnerState)
    .addNode("read", ({ messages }) => ({ files: { "inner.txt": `${messages.length}` } }))
    .addNode("ask", ({ asks }) => ({
      results: asks ? [interrupt<string, string>("sure?")] : ["not asked"],
    }))
    .addEdge(START, "read")
    .addEdge("read", "ask")
    .compile();
  return new StateGraph(State)
    .addNode("plan", ({ messages }) => ({
      messages: [new AIMessage({ id: `ai-${messages.length}`, content: "plan ".repeat(60) })],
    }))
    .addNode("work", ({ index, fails }: Values & { index: number }) => {
      if (fails && index === 1) throw new Error("work failed");
      return { results: [`worked ${index}`], files: { [`${index}.txt`]: "x".repeat(200) } };
    })
    .addNode("inner", inner)
    .addEdge(START, "plan")
    .addConditionalEdges("plan", (state) => [
      ...Array.from({ length: state.width }, (_, index) => new Send("work", { ...state, index })),
      "inner",
    ])
    .compile({ checkpointer });
}

/** One step of a program: something that a user of a graph does. */
type Step =
  | { kind: "invoke"; text: string; width: number; fails: boolean; asks: boolean }
  | { kind: "resume" | "answer" | "mend" }
  | { kind: "update" | "fork" | "replay" | "copy"; back: number; text: string };

const text = fc.string({ unit: "binary", maxLength: 20 });
const back = fc.nat({ max: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("invoke" as const),
    text,
    width: fc.nat({ max: 2 }),
    fails: fc.boolean(),
    asks: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("resume" as const, "answer" as const, "mend" as const) }),
  fc.record({
    kind: fc.constantFrom("update" as const, "fork" as const, "replay" as const, "copy" as const),
    back,
    text,
  }),
);

/** Runs a step; failures of the graph are part of what is compared. */
async function runStep(...args: Parameters<typeof takeStep>): Promise<unknown> {
  const { __interrupt__: interrupts, ...values } = (await takeStep(...args)) as {
    __interrupt__?: { value: unknown }[];
  };
  return { values, interrupts: interrupts?.map(({ value }) => value) };
}

async function takeStep(
  graph: ReturnType<typeof compile>,
  config: RunnableConfig & { durability: Durability },
  action: Step,
  index: number,
): Promise<object> {
  const message = (content: string) => new HumanMessage({ id: `human-${index}`, content });
  try {
    switch (action.kind) {
      case "invoke":
        return await graph.invoke(
          {
            messages: [message(action.text)],
            files: { "notes.txt": action.text },
            width: action.width,
            fails: action.fails,
            asks: action.asks,
          },
          config,
        );
      case "resume":
        return await graph.invoke(null, config);
      case "answer":
        return await graph.invoke(new Command({ resume: "yes" }), config);
      case "mend":
        await graph.updateState(config, { fails: false, asks: false }, "plan");
        return await graph.invoke(null, config);
      default: {
        const history = await Array.fromAsync(graph.getStateHistory(config));
        const old = history[action.back % Math.max(history.length, 1)];
        if (old === undefined) return {};
        if (action.kind === "replay") {
          return await graph.invoke(null, { ...old.config, durability: config.durability });
        }
        if (action.kind === "copy") {
          await graph.updateState(old.config, null, "__copy__");
          return {};
        }
        const start = action.kind === "fork" ? old.config : config;
        const update = { messages: [message(action.text)] };
        const fork = await graph.updateState(start, update, "plan");
        return await graph.invoke(null, { ...fork, durability: config.durability });
      }
    }
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** A state without what differs from run to run: ids and times. */
function normalize(state: StateSnapshot, ids: Map<string, string>, hasParents: boolean): unknown {
  const nameOf = (id: string | undefined) => {
    if (id === undefined) return undefined;
    if (!ids.has(id)) ids.set(id, `#${ids.size}`);
    return ids.get(id);
  };
  const { next, metadata, tasks, config, parentConfig } = state;
  return {
    values: state.values as unknown,
    next,
    source: metadata?.source,
    step: metadata?.step,
    id: nameOf(normalizeConfig(config)),
    // With durability "exit", LangGraph puts some checkpoints once more, as child of themselves; what
    // their parent was is then lost with MemorySaver.
    ...(hasParents && { parent: nameOf(parentConfig && normalizeConfig(parentConfig)) }),
    tasks: tasks.map((task) => ({
      name: task.name,
      path: task.path,
      error: task.error,
      interrupts: task.interrupts.map(({ value }) => value as unknown),
      inner:
        task.state !== undefined && "values" in task.state
          ? normalize(task.state, ids, hasParents)
          : task.state !== undefined,
    })),
  };
}

function normalizeConfig({ configurable }: RunnableConfig): string {
  return configurable?.["checkpoint_id"] as string;
}

async function readAll(
  graph: ReturnType<typeof compile>,
  config: RunnableConfig & { durability: Durability },
) {
  const ids = new Map<string, string>();
  const hasParents = config.durability !== "exit";
  const history = await Array.fromAsync(graph.getStateHistory(config));
  return {
    latest: normalize(await graph.getState(config, { subgraphs: true }), ids, hasParents),
    history: history.map((state) => normalize(state, ids, hasParents)),
  };
}

const asking = { kind: "invoke", text: "", width: 1, fails: false, asks: true } as const;

/** Programs that a saver is likely to get wrong; they are run besides the random ones. */
const KNOWN_PROGRAMS: [Step[], Durability, typeof ENCRYPTION | undefined][] = [
  // An update applies what finished tasks wrote without counting up their channels' versions.
  [[asking, { kind: "update", back: 0, text: "" }], "sync", ENCRYPTION],
  [[asking, { kind: "answer" }, { kind: "fork", back: 3, text: "x" }], "async", undefined],
  [[asking, { kind: "copy", back: 1, text: "" }, { kind: "answer" }], "exit", ENCRYPTION],
];

describe("any program of graph operations", () => {
  let programs = 0;

  it("leads to the same states and history as with LangGraph's MemorySaver", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.constantFrom<Durability>("sync", "async", "exit"),
        fc.constantFrom(undefined, ENCRYPTION),
        async (program, durability, encryption) => {
          programs += 1;
          const config = { configurable: { thread_id: `program-${programs}` }, durability };
          const memory = compile(new MemorySaver());
          const settings = { encryption, ...(encryption && { collectionPrefix: "encrypted_" }) };
          const saver = database.openSaver(settings);
          for (const [index, action] of program.entries()) {
            const expected = await runStep(memory, config, action, index);
            expect(await runStep(compile(saver), config, action, index)).toEqual(expected);
          }
          const expected = await readAll(memory, config);
          expect(await readAll(compile(saver), config)).toEqual(expected);
          const elsewhere = database.openSaverElsewhere(settings);
          expect(await readAll(compile(elsewhere), config)).toEqual(expected);
        },
      ),
      { numRuns: 8, examples: KNOWN_PROGRAMS },
    );
  });
});

describe("a conversation in a DeltaChannel", () => {
  it("is made of what each step wrote, also in another process and after a fork", async () => {
    const Conversation = Annotation.Root({
      messages: new DeltaChannel(messagesDeltaReducer, {
        initialValueFactory: () => [],
        snapshotFrequency: 5,
      }),
    });
    const open = (checkpointer: BaseCheckpointSaver) =>
      new StateGraph(Conversation)
        .addNode("model", ({ messages }) => ({
          messages: [
            new AIMessage({ content: `answer ${messages.length}`, id: `a${messages.length}` }),
          ],
        }))
        .addEdge(START, "model")
        .compile({ checkpointer });
    const config = { configurable: { thread_id: "delta" } };
    const graph = open(database.openSaver());
    for (let turn = 0; turn < 12; turn += 1) {
      const id = `q${turn}`;
      await graph.invoke({ messages: [new HumanMessage({ content: id, id })] }, config);
    }
    const reader = open(database.openSaverElsewhere());
    const contentOf = ({ values }: StateSnapshot) =>
      (values as typeof MessagesAnnotation.State).messages.map(({ content }) => content);
    const expected = Array.from({ length: 12 }, (_, turn) => [
      `q${turn}`,
      `answer ${2 * turn + 1}`,
    ]);
    expect(contentOf(await reader.getState(config))).toEqual(expected.flat());

    const history = await Array.fromAsync(reader.getStateHistory(config));
    const old = history.find((state) => state.next.length === 0 && contentOf(state).length === 8)!;
    const fork = await reader.updateState(old.config, {
      messages: [new HumanMessage({ content: "forked", id: "f" })],
    });
    await reader.invoke({ messages: [new HumanMessage({ content: "on", id: "on" })] }, fork);
    expect(contentOf(await open(database.openSaverElsewhere()).getState(config))).toEqual([
      ...expected.slice(0, 4).flat(),
      "forked",
      "on",
      "answer 10",
    ]);
  });
});
