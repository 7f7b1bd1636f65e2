import {
  Annotation,
  MessagesAnnotation,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type StateSnapshot,
} from "@langchain/langgraph";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  count: Annotation<number>,
});

/** Each turn logs two long lines, so that the log lies in segments. */
function compile(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode("first", ({ count }) => ({ log: [line("first", count)] }))
    .addNode("second", ({ count }) => ({ log: [line("second", count)], count: count + 1 }))
    .addEdge(START, "first")
    .addEdge("first", "second")
    .compile({ checkpointer });
}

function line(name: string, count: number): string {
  return `${name} ${count} `.repeat(20);
}

async function readHistory(
  saver: BaseCheckpointSaver,
  config: RunnableConfig,
): Promise<StateSnapshot[]> {
  return Array.fromAsync(compile(saver).getStateHistory(config));
}

/** A conversation of some turns. */
async function startThread(threadId: string, turns = 3) {
  const config = { configurable: { thread_id: threadId } };
  const graph = compile(database.openSaver());
  for (let turn = 0; turn < turns; turn += 1) {
    await graph.invoke({ log: [line("input", turn)], ...(turn === 0 && { count: 0 }) }, config);
  }
  return { config, graph, history: await readHistory(database.openSaver(), config) };
}

/** The checkpoint between the two nodes of a turn. */
function findInTurn(history: readonly StateSnapshot[], turn: number): StateSnapshot {
  return history.find(
    ({ next, values }) => next[0] === "second" && (values as typeof State.State).count === turn,
  )!;
}

/** Reads a thread's latest states in a new process, which shares nothing with this one. */
async function readInNewProcess(threadId: string, checkpointId?: string): Promise<unknown> {
  const script = fileURLToPath(new URL("./print-state.fixture.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@threadkeep/source",
    "--no-warnings",
    script,
    database.uri,
    database.name,
    threadId,
    ...(checkpointId === undefined ? [] : [checkpointId]),
  ]);
  return JSON.parse(stdout) as unknown;
}

describe("a run from an earlier checkpoint", () => {
  it("creates a second branch, and both are read back right, also in new processes", async () => {
    const { config, graph, history } = await startThread("branches");
    const trunk = history[0]!;
    const old = findInTurn(history, 1);
    const fork = await graph.updateState(old.config, { log: [line("forked", 1)] });
    await graph.invoke(null, fork);
    await graph.invoke({ log: [line("input", 9)] }, config);

    const beforeFork = old.values as typeof State.State;
    const branch = {
      log: [
        ...beforeFork.log,
        line("forked", 1),
        line("second", 1),
        line("input", 9),
        line("first", 2),
        line("second", 2),
      ],
      count: 3,
    };
    const trunkId = (trunk.config.configurable as { checkpoint_id: string }).checkpoint_id;
    for (const saver of [database.openSaver(), database.openSaverElsewhere()]) {
      const reader = compile(saver);
      expect((await reader.getState(config)).values).toEqual(branch);
      expect((await reader.getState(trunk.config)).values).toEqual(trunk.values);
      // Every checkpoint of before is as it was.
      for (const state of history) {
        expect((await reader.getState(state.config)).values).toEqual(state.values);
      }
    }
    expect(
      await Promise.all([readInNewProcess("branches"), readInNewProcess("branches", trunkId)]),
    ).toEqual([branch, trunk.values]);
  });

  it("may be repeated: forks of forks share their common items", async () => {
    const { config, graph, history } = await startThread("many-forks", 2);
    const sizeOf = async () => (await database.readAll("many-forks")).length;
    const before = await sizeOf();
    const expected = new Map<string, unknown>();
    let old = history.find(({ next }) => next[0] === "second")!.config;
    for (let index = 0; index < 5; index += 1) {
      const fork = await graph.updateState(old, { log: [`fork ${index} `.repeat(40)] });
      await graph.invoke(null, fork);
      const state = await graph.getState(config);
      const { checkpoint_id: id } = state.config.configurable as { checkpoint_id: string };
      expected.set(id, state.values);
      // The next one begins at this fork, or again at the old place.
      old = index % 2 === 0 ? fork : old;
    }
    const reader = compile(database.openSaverElsewhere());
    for (const [id, values] of expected) {
      const checkpoint = { configurable: { ...config.configurable, checkpoint_id: id } };
      expect((await reader.getState(checkpoint)).values).toEqual(values);
    }
    // Per fork: two checkpoints, the writes, and new items only.
    expect((await sizeOf()) - before).toBeLessThanOrEqual(5 * 14);
  });
});

describe("a replay of an earlier checkpoint", () => {
  it("continues from it without changing what came after it", async () => {
    const { config, graph, history } = await startThread("replayed");
    const old = findInTurn(history, 1);
    const result = await graph.invoke(null, old.config);
    expect(result.count).toBe(2);
    const after = await readHistory(database.openSaverElsewhere(), config);
    const known = new Map(after.map((state) => [JSON.stringify(state.config), state.values]));
    for (const state of history) {
      expect(known.get(JSON.stringify(state.config))).toEqual(state.values);
    }
    expect(after.length).toBeGreaterThan(history.length);
  });
});

describe("a copy of a checkpoint", () => {
  it("has its whole state, under the same parent", async () => {
    const { config, graph, history } = await startThread("copied");
    const old = history.find(({ next }) => next[0] === "second")!;
    const copy = await graph.updateState(old.config, null, "__copy__");
    for (const saver of [database.openSaver(), database.openSaverElsewhere()]) {
      const state = await compile(saver).getState(copy);
      expect(state.values).toEqual(old.values);
      expect(state.next).toEqual(old.next);
      expect(state.parentConfig).toEqual(old.parentConfig);
      expect((await compile(saver).getState(config)).config).toEqual(state.config);
    }
    await graph.invoke(null, config);
    const ran = await compile(database.openSaverElsewhere()).getState(config);
    expect((ran.values as typeof State.State).log).toEqual([
      ...(old.values as typeof State.State).log,
      line("second", 2),
    ]);
  });

  it("of a root checkpoint is a root too, with its whole state", async () => {
    const { config, graph, history } = await startThread("root");
    const root = history.at(-1)!;
    expect(root.parentConfig).toBeUndefined();
    const copy = await graph.updateState(root.config, null, "__copy__");
    const state = await compile(database.openSaverElsewhere()).getState(copy);
    expect(state.values).toEqual(root.values);
    expect(state.next).toEqual(root.next);
    expect(state.parentConfig).toBeUndefined();
    await graph.invoke(null, config);
    const ran = await compile(database.openSaverElsewhere()).getState(config);
    expect(ran.values).toEqual({
      log: [line("input", 0), line("first", 0), line("second", 0)],
      count: 1,
    });
  });
});

describe("an edit of messages in the middle of a conversation", () => {
  it("is read back right before and after it", async () => {
    const config = { configurable: { thread_id: "edited" } };
    const conversation = (saver: BaseCheckpointSaver) =>
      new StateGraph(MessagesAnnotation)
        .addNode("model", ({ messages }) => ({
          messages: [
            new AIMessage({ content: `answer ${messages.length}`, id: `a${messages.length}` }),
          ],
        }))
        .addEdge(START, "model")
        .compile({ checkpointer: saver });
    const graph = conversation(database.openSaver());
    for (const id of ["q0", "q1", "q2"]) {
      await graph.invoke(
        { messages: [new HumanMessage({ content: `question ${id}`, id })] },
        config,
      );
    }
    const before = await graph.getState(config);
    await graph.updateState(config, {
      messages: [new HumanMessage({ content: "edited", id: "q1" })],
    });
    const reader = conversation(database.openSaverElsewhere());
    const contentOf = ({ values }: StateSnapshot) =>
      (values as typeof MessagesAnnotation.State).messages.map(({ content }) => content);
    expect(contentOf(await reader.getState(config))).toEqual(
      contentOf(before).map((content) => (content === "question q1" ? "edited" : content)),
    );
    expect(await reader.getState(before.config)).toEqual(before);
  });
});
