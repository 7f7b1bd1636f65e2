import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  MessagesAnnotation,
  START,
  StateGraph,
  type BaseCheckpointSaver,
} from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { JsonPlusSerializer, type ChannelVersions } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useBothSavers } from "./both-savers.ts";
import { idOf, readEverything, readVersioned } from "./read-everything.ts";

const { database, expectSame } = useBothSavers();

const long = (word: string) => `${word} `.repeat(100);

class Basket {
  items: string[] = [long("basket")];
  total = 1;
}

/** Values of every kind that is stored in its own way. */
function makeValues() {
  return {
    list: [{ text: long("first") }, { text: long("second") }],
    map: { one: { text: long("one") }, two: { text: long("two") } } as Record<string, unknown>,
    small: { count: 1 },
    text: ["x".repeat(300_000)],
    basket: new Basket(),
    messages: [new HumanMessage({ id: "h", content: long("asked") })] as BaseMessage[],
    kept: [long("kept")],
  };
}

type Values = ReturnType<typeof makeValues>;

/** One change each, deep inside or at the top. */
const CHANGES: Readonly<Record<string, (values: Values) => unknown>> = {
  "a list's item": ({ list }) => (list[0]!.text = long("changed")),
  "a list that grows": ({ list }) => list.push({ text: "more" }),
  "a list that shrinks": ({ list }) => list.shift(),
  "a list that is reordered": ({ list }) => list.push(list.shift()!),
  "a map's entry": ({ map }) => ((map["one"] as { text: string }).text = long("changed")),
  "a map that gets a key": ({ map }) => (map["three"] = 3),
  "a map that loses a key": ({ map }) => Reflect.deleteProperty(map, "one"),
  "a map's order": ({ map }) => {
    const { one } = map;
    Reflect.deleteProperty(map, "one");
    map["one"] = one;
  },
  "what is small": ({ small }) => (small.count += 1),
  "a long text": ({ text }) => (text[0] = `${text[0]}more`),
  "an instance of a class": ({ basket }) => basket.items.push("apple"),
  "a message's content": ({ messages }) => (messages[0]!.content = long("changed")),
  "a message's own field": ({ messages }) => (messages[0]!.additional_kwargs["read"] = true),
};

describe("a value that changed in place under an unchanged version", () => {
  it.each(Object.keys(CHANGES))("is stored as MemorySaver stores it: %s", async (kind) => {
    const read = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const values = makeValues();
      // The long text is a channel of its own.
      const state = () => ({ ...values, text: values.text[0] });
      const put = async (
        writer: BaseCheckpointSaver,
        parent: typeof config,
        newVersions: ChannelVersions,
      ) => {
        const checkpoint = {
          ...makeCheckpoint({ ...state(), other: 1 }),
          channel_versions: { other: 1 },
        };
        return writer.put(parent, checkpoint, makeMetadata(), newVersions);
      };
      const checkpoint = makeCheckpoint({ ...state(), other: 0 });
      const root = await putCheckpoint(saver, config, checkpoint);
      // As LangGraph does, who reads a thread before it writes to it.
      await saver.getTuple(root);
      const same = await put(saver, root as typeof config, { other: 1 });
      CHANGES[kind]!(values);
      const changed = await put(saver, same as typeof config, { other: 2 });
      const again = await put(saver, changed as typeof config, {});
      // A fork, by a process that has not read the parent.
      await put(elsewhere, same as typeof config, { other: 3 });
      await put(elsewhere, again as typeof config, {});
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    const [last, , , , same, root] = read[1]!.listed.map(
      ({ checkpoint }) => checkpoint.channel_values,
    );
    expect({ ...same, other: 0 }).toEqual(root);
    // The order of keys counts.
    expect(JSON.stringify(last)).not.toBe(JSON.stringify(same));
  });

  it("is refused, naming it, if it cannot be stored any more, and nothing is stored", async () => {
    const saver = database.openSaver();
    const values = makeValues();
    const config = threadConfig("refused in place");
    const parent = await putCheckpoint(saver, config, makeCheckpoint({ ...values, other: 1 }));
    const stored = await database.readAll("refused in place");
    Object.assign(values.list[1]!, { onDone: () => 1 });
    for (const writer of [saver, database.openSaverElsewhere()]) {
      await expect(
        writer.put(parent, makeCheckpoint({ ...values, other: 2 }), makeMetadata(), { other: 2 }),
      ).rejects.toMatchObject({
        code: "UNSERIALIZABLE_STATE",
        channel: "list",
        path: "list[1].onDone",
      });
    }
    expect(await database.readAll("refused in place")).toEqual(stored);
  });

  it("stays as the parent has it with a serializer of the user's, unless it is named", async () => {
    const serde = new JsonPlusSerializer();
    const saver = new MongoDBSaver({ client: database.client, dbName: database.name }, serde);
    const list = ["one"];
    const first = makeCheckpoint({ list });
    const parent = await putCheckpoint(saver, threadConfig("serde in place"), first);
    list.push("two");
    const unnamed = await saver.put(parent, makeCheckpoint({ list }), makeMetadata(), {});
    const named = await saver.put(unnamed, makeCheckpoint({ list }), makeMetadata(), { list: 1 });
    const read = async (config: typeof parent) =>
      (await saver.getTuple(config))?.checkpoint.channel_values["list"];
    expect(await read(unnamed)).toEqual(["one"]);
    expect(await read(named)).toEqual(["one", "two"]);
  });
});

describe("a node that changes another channel's value in place", () => {
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    list: Annotation<{ text: string }[]>,
    map: Annotation<Record<string, unknown>>,
    small: Annotation<{ count: number }>,
    basket: Annotation<Basket>,
    steps: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
  });
  const makeInput = () => {
    const { list, map, small, basket, messages } = makeValues();
    return { list, map, small, basket, messages };
  };
  const ruin = (state: typeof State.State, step: number) => {
    state.list.push({ text: long(`pushed in ${step}`) });
    state.list[0]!.text = `changed in ${step}`;
    state.map[`key ${step}`] = step;
    state.small.count += 1;
    state.basket.items.push(`apple ${step}`);
    state.messages[0]!.additional_kwargs["step"] = step;
    return { steps: 1 };
  };
  const compile = (checkpointer: BaseCheckpointSaver) =>
    new StateGraph(State)
      .addNode("first", (state) => ruin(state, 1))
      .addNode("second", (state) => ruin(state, 2))
      .addNode("third", (state) => ({ ...ruin(state, 3), messages: [new AIMessage("done")] }))
      .addEdge(START, "first")
      .addEdge("first", "second")
      .addEdge("second", "third")
      .compile({ checkpointer });

  it.each(["sync", "exit"] as const)(
    "leaves the history that MemorySaver has, also on a fork, %s",
    async (durability) => {
      const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
        await compile(saver).invoke(makeInput(), { ...config, durability });
        const history = await Array.fromAsync(compile(saver).getStateHistory(config));
        const fork = history.at(durability === "sync" ? 1 : 0)!.config;
        await compile(elsewhere).updateState(fork, { steps: 10 }, "first");
        await compile(elsewhere).invoke(null, { ...config, durability });
        await compile(saver).invoke({ steps: 100 }, { ...config, durability });
        return readVersioned(elsewhere, threadId);
      });
      const { list } = found.latest!.checkpoint.channel_values as { list: { text: string }[] };
      expect(list.length).toBeGreaterThan(makeValues().list.length + 3);
    },
  );

  it("leaves the latest state that MemorySaver has, async", async () => {
    await expectSame(async ({ saver, elsewhere, config }) => {
      await compile(saver).invoke(makeInput(), { ...config, durability: "async" });
      await compile(elsewhere).invoke({ steps: 100 }, { ...config, durability: "async" });
      const state = await compile(saver).getState(config);
      return state.values as unknown;
    });
  });

  it.each([1, 2, 3])(
    "resumes from what it had changed when the run died at step %s",
    async (step) => {
      const outcome = await expectSame(async ({ saver, elsewhere, config }) => {
        const put = saver.put.bind(saver);
        const putWrites = saver.putWrites.bind(saver);
        const writes: Promise<void>[] = [];
        saver.putWrites = (...parameters) => {
          const written = putWrites(...parameters);
          writes.push(written);
          return written;
        };
        saver.put = async (...parameters) => {
          const [, , metadata] = parameters;
          if (metadata.step === step) throw new Error("the process ended");
          return put(...parameters);
        };
        const run = compile(saver).invoke(makeInput(), { ...config, durability: "sync" });
        await expect(run).rejects.toThrow("the process ended");
        // LangGraph does not wait for the writes of a run that fails.
        await Promise.all(writes);
        // What is stored is what counts: another process continues with it.
        saver.put = put;
        const before = await elsewhere.getTuple(config);
        const result = await compile(elsewhere).invoke(null, { ...config, durability: "sync" });
        return { at: before?.metadata?.step, id: idOf(before?.config), result };
      });
      expect(outcome.at).toBe(step - 1);
    },
  );
});
