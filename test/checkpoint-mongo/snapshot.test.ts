import { AIMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type CheckpointMetadata,
} from "@langchain/langgraph";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** State of every kind that is stored in its own way: inline, list, map, text, value. */
function makeState() {
  return {
    small: { count: 1 },
    list: Array.from({ length: 40 }, (_, index) => ({ index, tags: ["a"] })),
    map: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key ${index}`, { index }])),
    dates: new Map([["then", new Date(0)]]),
    bytes: new Uint8Array(1_000),
    messages: [
      new HumanMessage({ id: "1", content: "one" }),
      new AIMessage({ id: "2", content: "two" }),
    ],
    text: "x".repeat(200_000),
  };
}

type State = ReturnType<typeof makeState>;

/** Changes everything that can be changed in place. */
function ruin(state: State): void {
  state.small.count = 99;
  state.list[3]!.tags.push("ruined");
  state.list.push({ index: -1, tags: [] });
  state.map["key 3"]!.index = 99;
  state.map["ruined"] = { index: -1 };
  state.dates.get("then")!.setTime(1);
  state.dates.set("ruined", new Date());
  state.bytes.fill(9);
  state.messages[0]!.content = "ruined";
  state.messages.pop();
}

const SERIALIZERS = [
  ["this package's encoding", undefined],
  ["a serializer of the user's", new JsonPlusSerializer()],
] as const;

describe.each(SERIALIZERS)("what is changed right after the call, with %s,", (name, serde) => {
  const open = () =>
    new MongoDBSaver({ client: asNewProcess(database.client), dbName: database.name }, serde);
  /** What is to come back of a state, value by value. */
  const expected = async (values: object): Promise<Record<string, unknown>> => {
    const loaded: Record<string, unknown> = {};
    for (const [channel, value] of Object.entries(values)) {
      if (serde === undefined) {
        loaded[channel] = value;
      } else {
        const [type, bytes] = await serde.dumpsTyped(value);
        loaded[channel] = await serde.loadsTyped(type, Buffer.from(bytes));
      }
    }
    return loaded;
  };

  it.each(["a new thread", "a known parent", "a parent that this process does not know"])(
    "is not stored by put: %s",
    async (kind) => {
      const thread = threadConfig(`put ${name} ${kind}`);
      let parent = thread;
      let saver = open();
      if (kind !== "a new thread") {
        parent = await putCheckpoint(
          saver,
          thread,
          makeCheckpoint({ ...makeState(), kept: ["kept"] }),
        );
        if (kind !== "a known parent") saver = open();
      }
      const state = { ...makeState(), kept: ["kept"] };
      const changed = Object.keys(makeState());
      const versions = Object.fromEntries(changed.map((channel) => [channel, 2]));
      const checkpoint = makeCheckpoint({ ...state }, { versions });
      checkpoint.versions_seen = { node: { list: 1 } };
      const metadata = makeMetadata({ nested: { list: ["a"] } }) as CheckpointMetadata<{
        nested: { list: string[] };
      }>;
      const before = structuredClone({ ...checkpoint, channel_values: {} });
      const newVersions = { ...versions, kept: 1 };
      const stored = saver.put(parent, checkpoint, metadata, newVersions);
      ruin(state);
      state.kept.push("ruined");
      Reflect.deleteProperty(checkpoint.channel_values, "small");
      checkpoint.channel_values["more"] = 1;
      checkpoint.channel_versions["list"] = 99;
      checkpoint.versions_seen["node"]!["list"] = 99;
      metadata.nested.list.push("ruined");
      for (const channel of Object.keys(newVersions)) Reflect.deleteProperty(newVersions, channel);
      const config = await stored;
      for (const reader of [saver, open()]) {
        const tuple = (await reader.getTuple(config))!;
        expect(tuple.checkpoint.channel_values).toEqual(
          await expected({ ...makeState(), kept: ["kept"] }),
        );
        expect({ ...tuple.checkpoint, channel_values: {} }).toEqual(before);
        expect(tuple.metadata).toEqual(makeMetadata({ nested: { list: ["a"] } }));
      }
    },
  );

  it("is not stored by putWrites, whether this process knows the thread or not", async () => {
    const thread = threadConfig(`writes ${name}`);
    const config = await putCheckpoint(open(), thread, makeCheckpoint());
    const saver = open();
    for (const task of ["first", "second"]) {
      const state = makeState();
      const writes = Object.entries(state) as [string, unknown][];
      const stored = saver.putWrites(config, writes, task);
      ruin(state);
      writes.pop();
      writes[0]![1] = "ruined";
      await stored;
    }
    const { pendingWrites } = (await open().getTuple(config))!;
    const own = Object.entries(await expected(makeState()));
    expect(pendingWrites).toEqual(
      ["first", "second"].flatMap((task) => own.map(([channel, value]) => [task, channel, value])),
    );
  });
});

describe("a reducer that changes what a task wrote", () => {
  type Cart = Record<string, number>;
  const State = Annotation.Root({
    cart: Annotation<Cart>({
      // Adds to its right-hand argument in place, and gives that back.
      reducer: (left, right) => {
        for (const [item, count] of Object.entries(left)) right[item] = (right[item] ?? 0) + count;
        return right;
      },
      default: () => ({}),
    }),
  });
  const compile = (checkpointer: BaseCheckpointSaver) =>
    new StateGraph(State)
      .addNode("fruit", () => ({ cart: { apple: 2 } }))
      .addNode("more", () => ({ cart: { pear: 2 } }))
      .addNode("pay", () => ({ cart: { paid: 1 } }))
      .addEdge(START, "fruit")
      .addEdge(START, "more")
      .addEdge("fruit", "pay")
      .addEdge("more", "pay")
      .compile({ checkpointer });

  it.each(["sync", "async", "exit"] as const)(
    "does not change the stored writes, and a run that died before the next checkpoint resumes right, %s",
    async (durability) => {
      const config = { configurable: { thread_id: `cart ${durability}` }, durability };
      const complete = await compile(database.openSaver()).invoke(
        {},
        { ...config, configurable: { thread_id: `whole cart ${durability}` } },
      );
      expect(complete.cart).toEqual({ apple: 2, pear: 2, paid: 1 });
      const dying = database.openSaver();
      const put = dying.put.bind(dying);
      // As when the process ends after the writes are stored, before the checkpoint is.
      dying.put = async (...parameters) => {
        const [, , metadata] = parameters;
        if (metadata?.source === "loop" && metadata.step > 0) throw new Error("the process ended");
        return put(...parameters);
      };
      await expect(compile(dying).invoke({}, config)).rejects.toThrow("the process ended");
      const saver = database.openSaverElsewhere();
      const listed = await Array.fromAsync(saver.list(config));
      const writes = listed.flatMap(({ pendingWrites }) => pendingWrites!);
      const carts = writes.filter(([, channel]) => channel === "cart").map(([, , cart]) => cart);
      expect(carts).toEqual(durability === "exit" ? [] : [{ apple: 2 }, { pear: 2 }]);
      const resumed = await compile(saver).invoke(durability === "exit" ? {} : null, config);
      expect(resumed.cart).toEqual(complete.cart);
    },
  );
});
