import { AIMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  interrupt,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import {
  emptyCheckpoint,
  ERROR,
  TASKS,
  uuid6,
  type BaseCheckpointSaver,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { beforeEach, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
let config: { configurable: { thread_id: string } };

beforeEach(() => {
  config = { configurable: { thread_id: uuid6(0) } };
});

// It brings another version of the driver, whose types differ.
type OfficialClient = ConstructorParameters<typeof OfficialSaver>[0]["client"];

const openOfficial = () =>
  new OfficialSaver({
    client: database.client as unknown as OfficialClient,
    dbName: database.name,
  });

it("a thread of the official saver can be continued, with one history", async () => {
  const before = compileChat(openOfficial());
  await before.invoke({ messages: [new HumanMessage("one")] }, config);
  await before.invoke({ messages: [new HumanMessage("two")] }, config);
  const oldState = await before.getState(config);

  const after = compileChat(database.openSaver());
  expect((await after.getState(config)).values).toEqual(oldState.values);
  expect((await after.getState(config)).config).toEqual(oldState.config);
  const { messages } = await after.invoke({ messages: [new HumanMessage("three")] }, config);
  expect(messages.map(({ content }) => content)).toEqual([
    "one",
    "echo one",
    "two",
    "echo two",
    "three",
    "echo three",
  ]);

  const elsewhere = compileChat(database.openSaverElsewhere());
  const history = await Array.fromAsync(elsewhere.getStateHistory(config));
  expect(history.map(({ metadata }) => metadata?.step)).toEqual([7, 6, 5, 4, 3, 2, 1, 0, -1]);
  for (const [index, { parentConfig }] of history.entries()) {
    expect(parentConfig?.configurable?.["checkpoint_id"]).toBe(
      history[index + 1]?.config.configurable?.["checkpoint_id"],
    );
  }
  const limited = await Array.fromAsync(elsewhere.getStateHistory(config, { limit: 5 }));
  expect(limited.map(({ config: { configurable } }) => configurable)).toEqual(
    history.slice(0, 5).map(({ config: { configurable } }) => configurable),
  );
});

it("an interrupt that the official saver stored is resumed", async () => {
  const compile = (checkpointer: BaseCheckpointSaver) =>
    new StateGraph(Annotation.Root({ answer: Annotation<string>, other: Annotation<string> }))
      .addNode("ask", () => ({ answer: interrupt<string, string>("who?") }))
      .addNode("beside", () => ({ other: "done" }))
      .addEdge(START, "ask")
      .addEdge(START, "beside")
      .compile({ checkpointer });
  await compile(openOfficial()).invoke({}, config);
  const result = await compile(database.openSaver()).invoke(new Command({ resume: "me" }), config);
  expect(result).toEqual({ answer: "me", other: "done" });
});

it("writes that the official saver stored exist once, even if they are stored again", async () => {
  const official = openOfficial();
  const metadata = { source: "loop", step: 0, parents: {} } as const;
  const parent = await official.put(config, { ...emptyCheckpoint(), id: uuid6(0) }, metadata);
  await official.putWrites(
    parent,
    [
      ["a", 1],
      ["b", 2],
      [ERROR, "failed"],
    ],
    "task",
  );
  const saver = database.openSaver();
  const { pendingWrites } = (await saver.getTuple(config))!;
  const again = pendingWrites!.map(([, channel, value]): PendingWrite => [channel, value]);
  await saver.putWrites(parent, [...again, ["c", 3]], "task");
  expect((await saver.getTuple(config))?.pendingWrites).toEqual([
    ["task", ERROR, "failed"],
    ["task", "a", 1],
    ["task", "b", 2],
    ["task", "c", 3],
  ]);
});

it("pending sends of an old checkpoint of the official saver are migrated", async () => {
  const official = openOfficial();
  const metadata = { source: "loop", step: 0, parents: {} } as const;
  const root = { ...emptyCheckpoint(), v: 1, id: uuid6(0) };
  const parent = await official.put(config, root, metadata);
  await official.putWrites(parent, [[TASKS, "send"]], "task");
  await official.put(parent, { ...root, id: uuid6(1) }, metadata);
  const tuple = await database.openSaver().getTuple(config);
  expect(tuple?.checkpoint.channel_values[TASKS]).toEqual(["send"]);
});

it("deleteThread also deletes what the official saver stored", async () => {
  await compileChat(openOfficial()).invoke({ messages: [new HumanMessage("one")] }, config);
  const saver = database.openSaver();
  await saver.deleteThread(config.configurable.thread_id);
  expect(await saver.getTuple(config)).toBeUndefined();
  expect(await openOfficial().getTuple(config)).toBeUndefined();
  expect(await Array.fromAsync(saver.list(config))).toEqual([]);
});

it("another application's collection of the same name is left alone", async () => {
  const others = database.db.collection("checkpoints");
  const { thread_id } = config.configurable;
  await others.insertOne({ thread_id, checkpoint_ns: "", checkpoint_id: "x", km: 42 });
  const saver = database.openSaver();
  expect(await saver.getTuple(config)).toBeUndefined();
  await saver.deleteThread(thread_id);
  expect(await others.countDocuments({ thread_id })).toBe(1);
});

function compileChat(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("answer", ({ messages }) => ({
      messages: [new AIMessage(`echo ${messages.at(-1)!.text}`)],
    }))
    .addEdge(START, "answer")
    .compile({ checkpointer });
}
