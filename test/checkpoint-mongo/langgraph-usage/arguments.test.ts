import type { RunnableConfig } from "@langchain/core/runnables";
import type {
  BaseCheckpointSaver,
  CheckpointListOptions,
  CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint } from "../make-checkpoint.ts";
import { useBothSavers } from "./both-savers.ts";
import { idOf, list } from "./read-everything.ts";

const { database, expectSame } = useBothSavers();

/** A config that the types do not allow, as JavaScript and requests' bodies have them. */
const configOf = (configurable: Record<string, unknown>): RunnableConfig => ({ configurable });

/** Two checkpoints at the root and one in a subgraph; ids are the same each time. */
async function fill(saver: BaseCheckpointSaver, threadId: string): Promise<RunnableConfig[]> {
  const root = await putCheckpoint(
    saver,
    configOf({ thread_id: threadId }),
    makeCheckpoint({ a: 1 }),
    makeMetadata({ step: -1, source: "input", user: "u" }),
  );
  await saver.putWrites(root, [["a", 2]], "task");
  const child = await putCheckpoint(
    saver,
    root,
    makeCheckpoint({ a: 2 }, { versions: { a: 2 } }),
    makeMetadata({ step: 0, user: "u", nothing: null }),
  );
  const inner = await putCheckpoint(
    saver,
    configOf({ thread_id: threadId, checkpoint_ns: "sub:1" }),
    makeCheckpoint({ b: 1 }),
    makeMetadata({ step: -1, user: "u" }),
  );
  return [root, child, inner];
}

describe("reads take what LangGraph and requests leave open", () => {
  it.each([
    ["null", null],
    ["undefined", undefined],
    ["an empty string", ""],
  ])("a checkpoint_id that is %s means the latest", async (_name, checkpointId) => {
    const found = await expectSame(async ({ saver, elsewhere, threadId }) => {
      await fill(saver, threadId);
      const open = configOf({
        thread_id: threadId,
        checkpoint_ns: "",
        checkpoint_id: checkpointId,
      });
      return {
        here: await saver.getTuple(open),
        there: await elsewhere.getTuple(open),
        checkpoint: await saver.get(open),
        listed: await list(saver, open),
        before: await list(saver, configOf({ thread_id: threadId }), { before: open }),
        history: await saver.getDeltaChannelHistory({ config: open, channels: ["a", "c"] }),
      };
    });
    expect(found.here?.metadata?.step).toBe(0);
    expect(found.listed).toHaveLength(2);
    expect(found.before).toHaveLength(3);
  });

  it.each([
    ["null", null],
    ["undefined", undefined],
  ])("a checkpoint_ns that is %s means the root", async (_name, checkpointNs) => {
    const found = await expectSame(async ({ saver, threadId }) => {
      const root = await putCheckpoint(
        saver,
        configOf({ thread_id: threadId, checkpoint_ns: checkpointNs }),
        makeCheckpoint({ a: 1 }),
      );
      const open = configOf({ thread_id: threadId, checkpoint_ns: checkpointNs });
      const exact = configOf({ ...open.configurable, checkpoint_id: idOf(root) });
      const tuple = await saver.getTuple(exact);
      return {
        root,
        latest: await saver.getTuple(open),
        exact: { ...tuple, config: undefined },
        history: await saver.getDeltaChannelHistory({ config: exact, channels: ["a"] }),
      };
    });
    expect(found.root.configurable?.["checkpoint_ns"]).toBe("");
    expect(found.latest?.checkpoint.channel_values).toEqual({ a: 1 });
  });

  it("a config without a thread, or without anything, finds nothing", async () => {
    const found = await expectSame(async ({ saver, threadId }) => {
      await fill(saver, threadId);
      return {
        nothing: await saver.getTuple({}),
        empty: await saver.getTuple({ configurable: {} }),
        open: await saver.getTuple(configOf({ thread_id: undefined })),
        history: await saver.getDeltaChannelHistory({ config: {}, channels: ["a"] }),
        none: await saver.getDeltaChannelHistory({ config: {}, channels: [] }),
      };
    });
    expect(found).toEqual({ history: { a: { writes: [] } }, none: {} });
  });

  it("what else a config holds is of no account, and is not stored", async () => {
    await expectSame(async ({ saver, threadId }) => {
      const noise = {
        checkpoint_map: { "": "other" },
        __pregel_read: () => undefined,
        user: { id: 1 },
        saver,
      };
      const config = await putCheckpoint(
        saver,
        { ...configOf({ thread_id: threadId, ...noise }), tags: ["t"], recursionLimit: 3 },
        makeCheckpoint({ a: 1 }),
      );
      await saver.putWrites(
        configOf({ ...config.configurable, checkpoint_ns: "", ...noise }),
        [["a", 1]],
        "task",
      );
      const found = await saver.getTuple(configOf({ thread_id: threadId, ...noise }));
      return {
        config,
        found,
        listed: await list(saver, configOf({ thread_id: threadId, ...noise })),
      };
    });
  });
});

describe("putWrites", () => {
  it("takes a checkpoint_ns that is null, or missing, as the root", async () => {
    const saver = database.openSaver();
    const root = await putCheckpoint(
      saver,
      configOf({ thread_id: "ns" }),
      makeCheckpoint({ a: 1 }),
    );
    const open = { thread_id: "ns", checkpoint_id: idOf(root) };
    await saver.putWrites(configOf({ ...open, checkpoint_ns: null }), [["a", 1]], "one");
    await saver.putWrites(configOf(open), [["a", 2]], "two");
    expect((await saver.getTuple(root))?.pendingWrites).toEqual([
      ["one", "a", 1],
      ["two", "a", 2],
    ]);
  });

  it("of nothing stores nothing", async () => {
    await expectSame(async ({ saver, threadId }) => {
      const [root] = await fill(saver, threadId);
      await saver.putWrites(root!, [], "another");
      return saver.getTuple(root!);
    });
  });
});

describe("put", () => {
  it("takes a checkpoint_id that is null, or empty, as no parent", async () => {
    const saver = database.openSaver();
    for (const checkpointId of [null, ""]) {
      const config = configOf({ thread_id: "orphan", checkpoint_id: checkpointId });
      const put = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      expect((await saver.getTuple(put))?.parentConfig).toBeUndefined();
    }
  });

  it("takes a parent that is not there, as after a deletion or from another saver", async () => {
    const found = await expectSame(async ({ saver, elsewhere, threadId }) => {
      const checkpoint = makeCheckpoint({ a: [1], b: "x" }, { id: "b" });
      const parent = configOf({ thread_id: threadId, checkpoint_id: "2024-04-18T17:19:07.952Z" });
      await saver.put(parent, checkpoint, makeMetadata(), { a: 1 });
      const read = { configurable: { thread_id: threadId } };
      return [await saver.getTuple(read), await elsewhere.getTuple(read)];
    });
    expect(idOf(found[0]?.parentConfig)).toBe("2024-04-18T17:19:07.952Z");
    expect(found[0]?.checkpoint.channel_values).toEqual({ a: [1], b: "x" });
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["empty", {}],
  ])("stores metadata that are %s, and lists them", async (threadId, metadata) => {
    const saver = database.openSaver();
    const elsewhere = database.openSaverElsewhere();
    const config = configOf({ thread_id: threadId });
    const checkpoint = makeCheckpoint({ a: 1 });
    await saver.put(config, checkpoint, metadata as CheckpointMetadata, { a: 1 });
    for (const reader of [saver, elsewhere]) {
      const tuple = await reader.getTuple(config);
      expect(tuple?.metadata ?? {}).toEqual({});
      expect(tuple?.checkpoint).toEqual(checkpoint);
      expect(await list(reader, config)).toEqual([tuple]);
      expect(await list(reader, config, { filter: { source: "loop" } })).toEqual([]);
    }
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
  });
});

describe("list", () => {
  it.each<[string, CheckpointListOptions, number]>([
    ["no options", {}, 3],
    [
      "options that are all undefined",
      {
        limit: undefined,
        before: undefined,
        filter: undefined,
      } as unknown as CheckpointListOptions,
      3,
    ],
    ["a limit that is infinite", { limit: Infinity }, 3],
    ["a limit of 0", { limit: 0 }, 0],
    ["before null", { before: null } as unknown as CheckpointListOptions, 3],
    ["before a config of nothing", { before: {} }, 3],
    [
      "a filter for undefined in a key that no metadata have",
      { filter: { unknown: undefined } },
      3,
    ],
    ["an empty filter", { filter: {} }, 3],
    ["a filter for null", { filter: { nothing: null } }, 1],
    ["a filter of several keys", { filter: { user: "u", step: -1 } }, 2],
    [
      "a filter for undefined among others",
      { filter: { user: "u", unknown: undefined, step: 0 } },
      1,
    ],
    ["a filter for a key of Object.prototype", { filter: { toString: "x" } }, 0],
  ])("takes %s as LangGraph's own saver does", async (_name, options, length) => {
    const found = await expectSame(async ({ saver, threadId }) => {
      await fill(saver, threadId);
      const config = { configurable: { thread_id: threadId } };
      return list(saver, config, options);
    });
    expect(found).toHaveLength(length);
  });

  it("ignores a filter for undefined in a key that metadata have", async () => {
    const saver = database.openSaver();
    await fill(saver, "filtered");
    const config = configOf({ thread_id: "filtered" });
    expect(await list(saver, config, { filter: { user: undefined } })).toHaveLength(3);
  });

  it.each([
    ["null", null],
    ["undefined", undefined],
    ["a config of nothing", {}],
    ["a config without a thread", { configurable: {} }],
  ])("of %s lists all threads", async (_name, config) => {
    const settings = { collectionPrefix: `all_${_name.replaceAll(" ", "_")}_` };
    const saver = database.openSaver(settings);
    await fill(saver, "one");
    await fill(saver, "two");
    const all = await list(saver, config as RunnableConfig);
    expect(all).toHaveLength(6);
    expect(all).toEqual(
      await list(database.openSaverElsewhere(settings), config as RunnableConfig),
    );
    expect(await list(saver, config as RunnableConfig, { limit: 4 })).toHaveLength(4);
    expect(await list(saver, config as RunnableConfig, { filter: { step: 0 } })).toHaveLength(2);
  });

  it("takes a checkpoint_ns that is null as the root, and one that is missing as any", async () => {
    const saver = database.openSaver();
    await fill(saver, "namespaces");
    const root = await list(saver, configOf({ thread_id: "namespaces", checkpoint_ns: null }));
    expect(root.map(({ config }) => config.configurable?.["checkpoint_ns"] as unknown)).toEqual([
      "",
      "",
    ]);
    expect(await list(saver, configOf({ thread_id: "namespaces" }))).toHaveLength(3);
  });

  it.each<[string, unknown]>([
    ["a Map", new Map([["step", 0]])],
    ["an empty Map", new Map()],
    ["a Set", new Set(["step"])],
    ["a Date", new Date(0)],
    ["an array", []],
    ["a function", () => true],
    ["a string", "step"],
  ])("refuses %s as a filter, before any command", async (_name, filter) => {
    const saver = database.openSaver();
    const options = { filter: filter as Record<string, unknown> };
    const commands = await database.recordCommands(async () => {
      const refused = list(saver, configOf({ thread_id: "any" }), options);
      await expect(refused).rejects.toSatisfy((error) => InvalidOptionsError.isInstance(error));
    });
    expect(commands).toEqual([]);
  });

  it("ends early where its reader does, and can be begun again", async () => {
    await expectSame(async ({ saver, threadId }) => {
      await fill(saver, threadId);
      const config = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
      const steps: unknown[] = [];
      for await (const { metadata } of saver.list(config)) {
        steps.push(metadata?.step);
        if (steps.length === 2) break;
      }
      const unread = saver.list(config);
      const first = await unread.next();
      await unread.return(undefined);
      const rest = await unread.next();
      return { steps, first, rest };
    });
  });
});
