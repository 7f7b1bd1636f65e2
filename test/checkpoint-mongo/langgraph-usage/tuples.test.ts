import {
  AIMessage,
  AIMessageChunk,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import {
  BaseCheckpointSaver,
  ERROR,
  INTERRUPT,
  RESUME,
  SCHEDULED,
  TASKS,
  type Checkpoint,
  type CheckpointMetadata,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { Send } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint } from "../make-checkpoint.ts";
import { useBothSavers } from "./both-savers.ts";
import { idOf, list, readEverything } from "./read-everything.ts";

const { database, expectSame } = useBothSavers();

const A = "1ef00000-0000-6000-8000-00000000000a";
const B = "1ef00000-0000-6000-8000-00000000000b";
const C = "1ef00000-0000-6000-8000-00000000000c";

/** A putWrites with a task path, which older versions of LangGraph's types do not have. */
type PutWrites = (
  config: Parameters<BaseCheckpointSaver["putWrites"]>[0],
  writes: PendingWrite[],
  taskId: string,
  taskPath?: string,
) => Promise<void>;

const putWrites = (saver: BaseCheckpointSaver, ...args: Parameters<PutWrites>) =>
  (saver.putWrites as PutWrites).apply(saver, args);

/** What a model's reply says of its cost; spread, as LangChain's types leave no room for it. */
const USAGE: object = { usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } };

describe("a tuple", () => {
  it("has the very keys that LangGraph's own saver gives it, and no others", async () => {
    const keys: string[][] = [];
    await expectSame(async ({ saver, threadId, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }, { id: A }));
      await putCheckpoint(saver, root, makeCheckpoint({ a: 2 }, { id: B, versions: { a: 2 } }));
      const { latest, listed, single } = await readEverything(saver, threadId);
      const tuples = [latest!, ...listed, ...single.map((tuple) => tuple!)];
      const describeKeys = tuples.map((tuple) => ({
        tuple: Object.keys(tuple)
          .filter((key) => tuple[key as keyof typeof tuple] !== undefined)
          .toSorted(),
        checkpoint: Object.keys(tuple.checkpoint).toSorted(),
        configurable: Object.keys(tuple.config.configurable ?? {}).toSorted(),
        parent:
          tuple?.parentConfig && Object.keys(tuple.parentConfig.configurable ?? {}).toSorted(),
      }));
      keys.push(...describeKeys.map(({ tuple }) => tuple));
      return describeKeys;
    });
    expect(keys[0]).toEqual(["checkpoint", "config", "metadata", "parentConfig", "pendingWrites"]);
  });

  it("has no pending writes as an empty list, also where the task wrote nothing", async () => {
    const found = await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    expect(found[0]?.latest?.pendingWrites).toEqual([]);
  });

  it("of a checkpoint that is not there is undefined", async () => {
    const found = await expectSame(async ({ saver, threadId, config }) => {
      await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      const configurable = { thread_id: threadId, checkpoint_ns: "", checkpoint_id: "none" };
      return [
        await saver.getTuple({ configurable }),
        await saver.get({ configurable }),
        await saver.getTuple({ configurable: { ...configurable, checkpoint_ns: "none" } }),
        await saver.getTuple({ configurable: { thread_id: "none" } }),
        await list(saver, { configurable }),
      ];
    });
    expect(found).toEqual([undefined, undefined, undefined, undefined, []]);
  });

  it("can be changed by its reader without the next reader seeing it", async () => {
    await expectSame(async ({ saver, threadId, config }) => {
      const values = { list: [{ deep: [1] }], map: { a: { b: 1 } } };
      const root = await putCheckpoint(
        saver,
        config,
        makeCheckpoint(values),
        makeMetadata({ tags: ["x"] }),
      );
      await saver.putWrites(root, [["list", [{ deep: [2] }]]], "task");
      const tuple = (await saver.getTuple(root))!;
      const read = tuple.checkpoint.channel_values as typeof values;
      read.list[0]!.deep.push(3);
      read.map.a.b = 2;
      tuple.checkpoint.channel_versions["list"] = 99;
      tuple.checkpoint.versions_seen["node"] = { list: 1 };
      (tuple.metadata as unknown as { tags: string[] }).tags.push("y");
      (tuple.pendingWrites![0]![2] as { deep: number[] }[])[0]!.deep.push(4);
      tuple.config.configurable!["checkpoint_id"] = "changed";
      return readEverything(saver, threadId);
    });
  });

  it("holds what was put, though the caller changes it right after the call", async () => {
    await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      const checkpoint = makeCheckpoint({ list: [{ deep: [1] }] });
      const metadata = makeMetadata({ tags: ["x"] });
      const put = saver.put(config, checkpoint, metadata, { list: 1 });
      checkpoint.channel_values["list"] = "changed";
      checkpoint.channel_versions["list"] = 7;
      checkpoint.versions_seen["node"] = { list: 7 };
      (metadata as unknown as { step: number }).step = 7;
      const root = await put;
      const writes: PendingWrite[] = [["list", "kept"]];
      const stored = saver.putWrites(root, writes, "task");
      writes[0]![1] = "changed";
      writes.push(["list", "added"]);
      await stored;
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
  });
});

describe("a checkpoint", () => {
  it("keeps its version, time, and what nodes have seen, also where channels have no value", async () => {
    await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      const checkpoint: Checkpoint = {
        v: 4,
        id: A,
        ts: "2024-04-19T17:19:07.952Z",
        channel_values: { someKey1: "someValue1" },
        channel_versions: { someKey2: 1, __start__: 2, "branch:to:a": 3 },
        versions_seen: { someKey3: { someKey4: 1 }, __input__: {}, __interrupt__: { a: 1 } },
      };
      await saver.put(config, checkpoint, { source: "update", step: -1, parents: {} }, {});
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
  });

  it.each([
    ["falsy values", { zero: 0, no: false, empty: "", none: null, list: [], map: {} }],
    ["deep values", { deep: { a: [{ b: { c: [[1, [2]]] } }] } }],
    ["names like Object's", { constructor: 1, toString: "x", hasOwnProperty: [true], length: 0 }],
    ["names with dots and dollars", { "a.b": 1, $set: { $gt: 1 }, "": "empty", $: 0 }],
    [
      "what only looks like a class",
      { forged: { lc: 2, type: "other" }, also: { lc: 1, type: "secret", id: ["KEY"] } },
    ],
  ])("keeps %s", async (_name, values) => {
    await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      await putCheckpoint(saver, config, makeCheckpoint(values));
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
  });

  it("with messages of every class has them as LangGraph's serializer gives them", async () => {
    const call = {
      name: "search",
      args: { query: "q", n: 1 },
      id: "call",
      type: "tool_call" as const,
    };
    const blocks = [
      { type: "text", text: "text" },
      { type: "image_url", image_url: { url: "data:," } },
    ];
    const messages = [
      new HumanMessage("text"),
      new HumanMessage({ id: "h", name: "user", content: blocks }),
      new SystemMessage({ content: "system", additional_kwargs: { cache: { ttl: 1 } } }),
      new AIMessage({ content: "", tool_calls: [call], ...USAGE }),
      new AIMessage({
        id: "a",
        content: blocks,
        invalid_tool_calls: [{ name: "t", args: "{", error: "no JSON", type: "invalid_tool_call" }],
        response_metadata: { model: "m", logprobs: null },
      }),
      new AIMessageChunk({
        id: "c",
        content: "chunk",
        tool_call_chunks: [{ args: "{", index: 0 }],
      }),
      new ToolMessage({ tool_call_id: "call", content: "result", name: "search", status: "error" }),
      new ToolMessage({ tool_call_id: "call", content: "", artifact: { rows: [1] } }),
      new FunctionMessage({ name: "f", content: "{}" }),
      new ChatMessage({ role: "critic", content: "hm" }),
      new RemoveMessage({ id: "h" }),
    ];
    await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const root = await putCheckpoint(
        saver,
        config,
        makeCheckpoint({ messages, last: messages[3] }),
      );
      await saver.putWrites(
        root,
        messages.map((message): PendingWrite => ["messages", [message]]),
        "task",
      );
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
  });

  it("with constructor records that a client forged is read without any of them being run", async () => {
    const ran: string[] = [];
    (globalThis as { onForged?: () => void }).onForged = () => ran.push("ran");
    const call = "globalThis.onForged()";
    const inner = {
      lc: 2,
      type: "constructor",
      id: ["Uint8Array"],
      method: "constructor",
      args: [call],
      kwargs: {},
    };
    const forged = { ...inner, method: "from", args: [[1], inner] };
    try {
      const found = await expectSame(async ({ saver, elsewhere, threadId, config }) => {
        const metadata = makeMetadata({ forged });
        const root = await saver.put(config, makeCheckpoint({ forged }), metadata, { forged: 1 });
        await saver.putWrites(root, [["forged", { forged }]], "task");
        return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
      });
      expect(found[0]?.latest?.metadata).toMatchObject({ forged });
      expect(ran).toEqual([]);
    } finally {
      delete (globalThis as { onForged?: () => void }).onForged;
    }
  });

  it("of an older format gets the tasks that its parent's writes hold", async () => {
    const found = await expectSame(async ({ saver, elsewhere, threadId, config }) => {
      const old = { ...makeCheckpoint({}, { id: A }), v: 1 };
      const metadata = makeMetadata();
      const root = await saver.put(config, old, metadata, {});
      await saver.putWrites(
        root,
        [
          [TASKS, "one"],
          [TASKS, "two"],
        ],
        "task-1",
      );
      await saver.putWrites(
        root,
        [
          [TASKS, "three"],
          ["other", 1],
        ],
        "task-2",
      );
      const child = await saver.put(root, { ...old, id: B }, metadata, {});
      await saver.put(
        child,
        { ...old, v: 3, id: C, channel_values: { a: 1 }, channel_versions: { a: 5 } },
        metadata,
        { a: 5 },
      );
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    const [newest, middle, first] = found[0]!.listed.map(({ checkpoint }) => checkpoint);
    expect(first?.channel_values).toEqual({});
    expect(middle?.channel_values).toEqual({ [TASKS]: ["one", "two", "three"] });
    expect(newest?.channel_values).toEqual({ a: 1, [TASKS]: [] });
    expect(newest?.channel_versions[TASKS]).toBe(5);
  });

  it("of the newest format has only the tasks that it was put with", async () => {
    const found = await expectSame(async ({ saver, threadId, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({}, { id: A }));
      await saver.putWrites(root, [[TASKS, "one"]], "task-1");
      await putCheckpoint(saver, root, makeCheckpoint({ a: 1 }, { id: B }));
      return readEverything(saver, threadId);
    });
    expect(found.latest?.checkpoint.channel_values).toEqual({ a: 1 });
  });

  it("with keys of an earlier format keeps them", async () => {
    const saver = database.openSaver();
    const config = { configurable: { thread_id: "earlier" } };
    const earlier = { ...makeCheckpoint({ a: 1 }), v: 1, pending_sends: [] };
    await saver.put(config, earlier, makeMetadata({ writes: null }), { a: 1 });
    for (const reader of [saver, database.openSaverElsewhere()]) {
      const tuple = await reader.getTuple(config);
      expect(tuple?.checkpoint).toEqual(earlier);
      expect(tuple?.metadata).toEqual({ source: "loop", step: 0, parents: {}, writes: null });
    }
  });
});

describe("metadata", () => {
  it("come back as they were, and can be filtered by any of their keys", async () => {
    const metadata = {
      source: "update",
      step: -2,
      parents: { "": "p", "a|b": "q" },
      thread_id: "t",
      graph_version: "v.2",
      counters_since_delta_snapshot: { log: [1, 2] },
      writes: null,
      "a.b": { $c: [1, { d: null }] },
      none: undefined,
    } as unknown as CheckpointMetadata;
    await expectSame(async ({ saver, elsewhere, config }) => {
      await saver.put(config, makeCheckpoint({ a: 1 }), metadata, { a: 1 });
      const filters = [{ step: -2 }, { writes: null }, { thread_id: "t" }, { graph_version: 2 }];
      const found: unknown[] = [(await elsewhere.getTuple(config))?.metadata];
      for (const filter of filters) found.push(await list(saver, config, { filter }));
      return found;
    });
  });
});

describe("pending writes", () => {
  it("of special channels come before a task's others, and a later one replaces an earlier one", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      await saver.putWrites(
        root,
        [
          ["a", 1],
          ["b", 2],
          [SCHEDULED, null],
          ["a", 3],
          [RESUME, ["first"]],
          [ERROR, { message: "failed", name: "Error" }],
          [INTERRUPT, [{ value: "sure?", id: "i" }]],
        ],
        "task",
      );
      await saver.putWrites(root, [[RESUME, ["second"]]], "task");
      await saver.putWrites(root, [[INTERRUPT, [{ value: "now?", id: "i" }]]], "task");
      return [await saver.getTuple(root), await elsewhere.getTuple(root)];
    });
    expect(found[0]?.pendingWrites?.map(([, channel]) => channel)).toEqual([
      RESUME,
      INTERRUPT,
      SCHEDULED,
      ERROR,
      "a",
      "b",
      "a",
    ]);
  });

  it("of a task that wrote before stay as they were, and get what is new", async () => {
    await expectSame(async ({ saver, elsewhere, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      await saver.putWrites(root, [["a", "first"]], "task");
      await saver.putWrites(
        root,
        [
          ["a", "second"],
          ["b", "new"],
        ],
        "task",
      );
      await saver.putWrites(
        root,
        [
          ["x", 1],
          ["y", 2],
          ["z", 3],
        ],
        "task",
      );
      return [await saver.getTuple(root), await elsewhere.getTuple(root)];
    });
  });

  it("come in the order of their tasks' paths, whoever wrote first", async () => {
    const paths: [string, string | undefined][] = [
      ["t1", "~__pregel_push, 0000000010, 0000000000"],
      ["t2", "~__pregel_push, 0000000002, 0000000000"],
      ["t9", "~__pregel_pull, b"],
      ["t3", "~__pregel_pull, b"],
      ["t4", "~__pregel_pull, \ue000"],
      ["t5", "~__pregel_pull, \u{1d400}"],
      ["t8", undefined],
      ["t7", ""],
      ["t6", "~__pregel_pull, B"],
    ];
    const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ b: 1 }, { id: A }));
      for (const [task, path] of paths) {
        await putWrites(
          saver,
          root,
          [
            ["a", `${task} 0`],
            ["b", `${task} 1`],
          ],
          task,
          path,
        );
        await putWrites(saver, root, [[RESUME, task]], task, path);
      }
      const child = await putCheckpoint(saver, root, makeCheckpoint({ b: 1 }, { id: B }));
      const options = { config: child, channels: ["a", "b", "none"] };
      return {
        ...(await readEverything(elsewhere, threadId)),
        history: await saver.getDeltaChannelHistory(options),
        elsewhere: await elsewhere.getDeltaChannelHistory(options),
      };
    });
    expect(found.history["a"]?.writes.map(([task]) => task)).toEqual([
      "t7",
      "t8",
      "t6",
      "t3",
      "t9",
      "t4",
      "t5",
      "t2",
      "t1",
    ]);
  });

  it("of a Send are a node and its arguments, as LangGraph's serializer gives them", async () => {
    const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const sends = [new Send("worker", { n: 1 }), new Send("worker", "text", { timeout: 50 })];
      const root = await putCheckpoint(saver, config, makeCheckpoint({ [TASKS]: sends }));
      await saver.putWrites(
        root,
        sends.map((send): PendingWrite => [TASKS, send]),
        "task",
      );
      await saver.putWrites(root, [[TASKS, new Send("nested", { inner: sends })]], "other");
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    expect(found[0]?.latest?.checkpoint.channel_values[TASKS]).toStrictEqual([
      { node: "worker", args: { n: 1 } },
      { node: "worker", args: "text", timeout: expect.any(Object) as object },
    ]);
    const saver = database.openSaver();
    const config = { configurable: { thread_id: "sends" } };
    const root = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
    await saver.putWrites(root, [[TASKS, new Send("worker", { n: 1 })]], "task");
    const { pendingWrites } = (await database.openSaverElsewhere().getTuple(root))!;
    expect(pendingWrites).toStrictEqual([["task", TASKS, { node: "worker", args: { n: 1 } }]]);
  });

  it("put before their checkpoint are there once it is", async () => {
    await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const root = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: A } };
      await saver.putWrites(root, [["a", 1]], "task");
      const before = [await saver.getTuple(root), await list(saver, config)];
      await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }, { id: A }));
      return { before, ...(await readEverything(elsewhere, threadId)) };
    });
  });
});

describe("the delta history", () => {
  it("agrees with the one that LangGraph's base class walks, on every saver and branch", async () => {
    await expectSame(async ({ saver, elsewhere, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ seeded: [0] }, { id: A }));
      await saver.putWrites(
        root,
        [
          ["seeded", [1]],
          ["unseeded", "x"],
        ],
        "b",
      );
      await saver.putWrites(root, [["seeded", [2]]], "a");
      const child = await putCheckpoint(saver, root, makeCheckpoint({}, { id: B }));
      await saver.putWrites(child, [["unseeded", "y"]], "c");
      const tip = await putCheckpoint(saver, child, makeCheckpoint({}, { id: C }));
      const histories: unknown[] = [];
      for (const reader of [saver, elsewhere]) {
        for (const at of [tip, child, root, config]) {
          const options = { config: at, channels: ["seeded", "unseeded", "never"] };
          const base = await BaseCheckpointSaver.prototype.getDeltaChannelHistory.call(
            reader,
            options,
          );
          const own = await reader.getDeltaChannelHistory(options);
          expect(own).toEqual(base);
          histories.push(
            own,
            Object.values(own).map((entry) => Object.keys(entry).toSorted()),
          );
        }
      }
      return histories;
    });
  });
});

describe("deleteThread", () => {
  it("of a thread that is not there, or is gone already, is no error", async () => {
    await expectSame(async ({ saver, threadId, config }) => {
      await saver.deleteThread("never there");
      await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      await saver.deleteThread(threadId);
      await saver.deleteThread(threadId);
      const gone = await readEverything(saver, threadId);
      const config2 = await putCheckpoint(saver, config, makeCheckpoint({ b: 2 }));
      return { gone, id: idOf(config2), ...(await readEverything(saver, threadId)) };
    });
  });
});
