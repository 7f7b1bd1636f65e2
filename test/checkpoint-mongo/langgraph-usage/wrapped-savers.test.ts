import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  uuid6,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint } from "../make-checkpoint.ts";
import { asNewProcess } from "../new-process.ts";
import { useBothSavers } from "./both-savers.ts";
import { idOf, readEverything, readVersioned } from "./read-everything.ts";

const { database, expectSame } = useBothSavers();

afterEach(() => vi.restoreAllMocks());

type Open = (settings: MongoDBSaverSettings) => BaseCheckpointSaver;

/** What a subclass is made with. */
const optionsOf = (settings: MongoDBSaverSettings) => ({
  dbName: database.name,
  ...settings,
  client: asNewProcess(database.client),
});

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  delta: new DeltaChannel<string[], string[]>((state, writes) => [...state, ...writes.flat()], {
    initialValueFactory: () => [],
  }),
});

const both = (word: string) => ({ log: [word], delta: [word] });

/** Two nodes at once, then a question, then an answer. */
function build(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode("z", () => both("z"))
    .addNode("a", () => both("a"))
    .addNode("ask", () => both(`asked ${interrupt<string, string>("sure?")}`))
    .addEdge(START, "z")
    .addEdge(START, "a")
    .addEdge("a", "ask")
    .compile({ checkpointer });
}

/** A run that is interrupted, resumed and read by another process. */
async function run(
  saver: BaseCheckpointSaver,
  elsewhere: BaseCheckpointSaver,
  config: { configurable: { thread_id: string } },
) {
  const graph = build(saver);
  const interrupted = await graph.invoke(both("in"), config);
  const finished = await graph.invoke(new Command({ resume: "yes" }), config);
  return {
    interrupted,
    finished,
    state: await build(elsewhere).getState(config),
    history: await Array.fromAsync(build(elsewhere).getStateHistory(config)),
    everything: await readVersioned(elsewhere, config.configurable.thread_id),
    writtenBy: await saver.getDeltaChannelHistory({ config, channels: ["delta"] }),
  };
}

/** State of its own, and a constructor of its own; it calls the saver's methods and adds to them. */
class CountingSaver extends MongoDBSaver {
  readonly calls: string[] = [];
  private readonly prefix: string;

  constructor(prefix: string, settings: MongoDBSaverSettings) {
    super(optionsOf(settings));
    this.prefix = prefix;
  }

  override getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    this.calls.push(`${this.prefix}getTuple`);
    return super.getTuple(config);
  }

  override async *list(...args: Parameters<MongoDBSaver["list"]>): AsyncGenerator<CheckpointTuple> {
    this.calls.push(`${this.prefix}list`);
    yield* super.list(...args);
  }

  override put(...args: Parameters<MongoDBSaver["put"]>): Promise<RunnableConfig> {
    this.calls.push(`${this.prefix}put`);
    return super.put(...args);
  }

  override putWrites(...args: Parameters<MongoDBSaver["putWrites"]>): Promise<void> {
    this.calls.push(`${this.prefix}putWrites`);
    return super.putWrites(...args);
  }
}

/** Each call takes a moment longer than the one after it, so that they end in another order. */
class SlowSaver extends MongoDBSaver {
  private calls = 0;

  private async wait(): Promise<void> {
    this.calls += 1;
    await sleep(Math.max(0, 60 - 15 * this.calls));
  }

  override async put(...args: Parameters<MongoDBSaver["put"]>): Promise<RunnableConfig> {
    await this.wait();
    return super.put(...args);
  }

  override async putWrites(...args: Parameters<MongoDBSaver["putWrites"]>): Promise<void> {
    await this.wait();
    return super.putWrites(...args);
  }
}

/** Reads what is there before each put, and keeps a copy by the saver's serializer. */
class WatchfulSaver extends MongoDBSaver {
  private readonly copies = new Map<string, Uint8Array>();

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<RunnableConfig> {
    const saved = await this.get(config);
    const copy = saved && this.copies.get(saved.id);
    if (copy !== undefined) {
      assert.deepEqual(saved, await this.serde.loadsTyped("json", copy));
    }
    const [, bytes] = await this.serde.dumpsTyped(checkpoint);
    this.copies.set(checkpoint.id, bytes);
    return super.put(config, checkpoint, metadata);
  }
}

/** Holds writes back until the put that needs them, as LibreChat's saver does. */
class LazySaver extends MongoDBSaver {
  private readonly held: [RunnableConfig, PendingWrite[], string][] = [];

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
  ): Promise<void> {
    this.held.push([config, writes, taskId]);
  }

  override async flush(): Promise<void> {
    for (const args of this.held.splice(0)) await super.putWrites(...args);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    await this.flush();
    return super.getTuple(config);
  }
}

/** Keeps each owner's threads apart by a prefix of the namespace. */
class OwnedSaver extends MongoDBSaver {
  private readonly owner = "owner:0123456789abcdef:";

  private inward(config: RunnableConfig): RunnableConfig {
    const { checkpoint_ns: namespace = "", ...rest } = config.configurable ?? {};
    const checkpoint_ns = `${this.owner}${String(namespace)}`;
    return { ...config, configurable: { ...rest, checkpoint_ns } };
  }

  private outward<T extends RunnableConfig | undefined>(config: T): T {
    if (config === undefined) return config;
    const checkpoint_ns = String(config.configurable?.["checkpoint_ns"]).slice(this.owner.length);
    return { ...config, configurable: { ...config.configurable, checkpoint_ns } };
  }

  private tuple(tuple: CheckpointTuple): CheckpointTuple {
    const { parentConfig, ...rest } = tuple;
    return {
      ...rest,
      config: this.outward(tuple.config),
      ...(parentConfig !== undefined && { parentConfig: this.outward(parentConfig) }),
    };
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const tuple = await super.getTuple(this.inward(config));
    return tuple && this.tuple(tuple);
  }

  override async *list(
    config: RunnableConfig,
    options?: Parameters<MongoDBSaver["list"]>[1],
  ): AsyncGenerator<CheckpointTuple> {
    for await (const tuple of super.list(this.inward(config), options)) yield this.tuple(tuple);
  }

  override async put(
    config: RunnableConfig,
    ...rest: Parameters<MongoDBSaver["put"]> extends [unknown, ...infer R] ? R : never
  ): Promise<RunnableConfig> {
    return this.outward(await super.put(this.inward(config), ...rest));
  }

  override putWrites(
    config: RunnableConfig,
    ...rest: Parameters<MongoDBSaver["putWrites"]> extends [unknown, ...infer R] ? R : never
  ): Promise<void> {
    return super.putWrites(this.inward(config), ...rest);
  }

  override async getDeltaChannelHistory(
    options: Parameters<MongoDBSaver["getDeltaChannelHistory"]>[0],
  ): ReturnType<MongoDBSaver["getDeltaChannelHistory"]> {
    return super.getDeltaChannelHistory({ ...options, config: this.inward(options.config) });
  }
}

const SUBCLASSES: [string, Open][] = [
  ["state and a constructor of its own", (settings) => new CountingSaver("count ", settings)],
  ["calls that are delayed", (settings) => new SlowSaver(optionsOf(settings))],
  ["reads between its writes", (settings) => new WatchfulSaver(optionsOf(settings))],
];

describe("a subclass with", () => {
  it.each(SUBCLASSES)("%s works as the saver does", async (_name, open) => {
    const found = await expectSame(
      ({ saver, elsewhere, config }) => run(saver, elsewhere, config),
      open,
    );
    expect(found.finished.log).toEqual(["in", "a", "z", "asked yes"]);
  });

  it("state of its own is called by LangGraph, and by what the saver inherits", async () => {
    const saver = new CountingSaver("", { collectionPrefix: "counting_" });
    const config = { configurable: { thread_id: "t" } };
    await build(saver).invoke(both("in"), config);
    expect(new Set(saver.calls)).toEqual(new Set(["getTuple", "put", "putWrites"]));
    saver.calls.length = 0;
    await saver.get(config);
    await Array.fromAsync(build(saver).getStateHistory(config));
    expect(saver.calls).toEqual(expect.arrayContaining(["getTuple", "list"]));
  });

  it("writes that are held back stores them when it lets them go", async () => {
    const open: Open = (settings) => new LazySaver(optionsOf(settings));
    const found = await expectSame(async ({ saver, threadId, config }) => {
      const root = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }));
      await saver.putWrites(root, [["a", 1]], "one");
      await putCheckpoint(saver, root, makeCheckpoint({ a: 2 }, { versions: { a: 2 } }));
      await saver.putWrites(root, [["a", 2]], "two");
      const history = await saver.getDeltaChannelHistory({ config: root, channels: ["b"] });
      return {
        root: await saver.getTuple(root),
        history,
        ...(await readEverything(saver, threadId)),
      };
    }, open);
    expect(found.root?.pendingWrites).toEqual([
      ["one", "a", 1],
      ["two", "a", 2],
    ]);
  });

  it("namespaces of its own changes them on the way in and out", async () => {
    const open: Open = (settings) => new OwnedSaver(optionsOf(settings));
    await expectSame(async ({ saver, config }) => {
      const {
        state: _state,
        everything: _everything,
        history: _history,
        ...found
      } = await run(saver, saver, config);
      const graph = build(saver);
      return {
        ...found,
        state: await graph.getState(config),
        history: await Array.fromAsync(graph.getStateHistory(config)),
      };
    }, open);
  });

  it.each([
    [
      "numbers with a random fraction",
      (current: number | undefined = 0) => Math.floor(current) + 1 + Math.random(),
    ],
    ["large numbers", (current: number | undefined = 0) => current + 2 ** 40],
  ])("versions that are %s stores and compares them", async (_name, next) => {
    class VersionedSaver extends MongoDBSaver {
      override getNextVersion(current: number | undefined): number {
        return next(current);
      }
    }
    const open: Open = (settings) => new VersionedSaver(optionsOf(settings));
    await expectSame(async ({ saver, elsewhere, config }) => {
      const { finished, interrupted, state } = await run(saver, elsewhere, config);
      return { finished, interrupted, values: state.values as unknown, next: state.next };
    }, open);
  });

  it("versions that are strings stores and compares them", async () => {
    class StringVersions extends MongoDBSaver {
      override getNextVersion(current: number | undefined): number {
        const step = Number.parseInt(String(current ?? 0), 10) + 1;
        return `${`${step}`.padStart(32, "0")}.${Math.random()}` as unknown as number;
      }
    }
    const open: Open = (settings) => new StringVersions(optionsOf(settings));
    await expectSame(async ({ saver, elsewhere, config }) => {
      const { finished, interrupted, state } = await run(saver, elsewhere, config);
      return { finished, interrupted, values: state.values as unknown, next: state.next };
    }, open);
  });
});

/** Other ways to put something before a saver. */
const WRAPPINGS: [string, (saver: MongoDBSaver) => BaseCheckpointSaver][] = [
  ["Object.create", (saver) => Object.create(saver) as MongoDBSaver],
  [
    "Object.create twice, with methods of its own",
    (saver) => {
      const outer = Object.create(Object.create(saver) as MongoDBSaver) as MongoDBSaver;
      outer.put = (...args) => saver.put(...args);
      outer.getTuple = (config) => saver.getTuple.call(outer, config);
      return outer;
    },
  ],
  ["a Proxy", (saver) => new Proxy(saver, {})],
  [
    "a Proxy that binds what it gives to itself",
    (saver) =>
      new Proxy(saver, {
        get: (target, key, receiver): unknown => {
          const value: unknown = Reflect.get(target, key, receiver);
          return typeof value === "function" ? (value.bind(receiver) as unknown) : value;
        },
      }),
  ],
  [
    "methods replaced on the instance",
    (saver) => {
      const put = saver.put.bind(saver);
      const putWrites = saver.putWrites.bind(saver);
      saver.put = async (...args) => put(...args);
      saver.putWrites = async (...args) => putWrites(...args);
      return saver;
    },
  ],
  [
    "spies on the instance",
    (saver) => {
      for (const method of ["put", "putWrites", "getTuple", "list"] as const)
        vi.spyOn(saver, method);
      return saver;
    },
  ],
  [
    "spies on the class",
    (saver) => {
      for (const method of ["put", "putWrites", "getTuple", "deleteThread"] as const) {
        vi.spyOn(MongoDBSaver.prototype, method);
      }
      return saver;
    },
  ],
  [
    "an object that hands each call on",
    (saver) =>
      new (class extends BaseCheckpointSaver {
        getTuple(config: RunnableConfig) {
          return MongoDBSaver.prototype.getTuple.call(saver, config);
        }
        list(...args: Parameters<MongoDBSaver["list"]>) {
          return saver.list(...args);
        }
        put(...args: Parameters<MongoDBSaver["put"]>) {
          return saver.put(...args);
        }
        putWrites(...args: Parameters<MongoDBSaver["putWrites"]>) {
          return saver.putWrites(...args);
        }
        deleteThread(threadId: string) {
          return saver.deleteThread(threadId);
        }
      })(),
  ],
];

describe("a saver behind", () => {
  it.each(WRAPPINGS)("%s works as the saver does", async (_name, wrap) => {
    const found = await expectSame(
      async ({ saver, elsewhere, threadId, config }) => {
        const result = await run(saver, elsewhere, config);
        await saver.deleteThread(threadId);
        return { ...result, deleted: await saver.getTuple(config) };
      },
      (settings) => wrap(database.openSaver(settings)),
    );
    expect(found.finished.log).toEqual(["in", "a", "z", "asked yes"]);
  });

  // The last one has only what LangGraph calls.
  it.each(WRAPPINGS.slice(0, -1))("%s can be set up and verified", async (_name, wrap) => {
    const threadId = uuid6(0);
    const saver = wrap(database.openSaver({ ttl: 3_600 })) as MongoDBSaver;
    await saver.setup();
    await putCheckpoint(saver, { configurable: { thread_id: threadId } }, makeCheckpoint({ a: 1 }));
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
    expect(saver.cacheStats).toBeTypeOf("object");
    await saver.close();
  });

  it("a spy that refuses a call once fails that call alone, and not the process", async () => {
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on("unhandledRejection", unhandled);
    try {
      const saver = database.openSaver();
      vi.spyOn(MongoDBSaver.prototype, "putWrites").mockRejectedValueOnce(new Error("transient"));
      const thread = () => ({ configurable: { thread_id: uuid6(0) } });
      await expect(build(saver).invoke(both("in"), thread())).rejects.toThrow("transient");
      const finished = await build(saver).invoke(both("again"), thread());
      expect(finished).toMatchObject({ log: ["again", "a", "z"], delta: ["again", "a", "z"] });
      await sleep(5);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  });
});

describe("a saver in a config", () => {
  it("is written as its name by JSON.stringify, without its client", () => {
    class NamedSaver extends MongoDBSaver {}
    const savers = { plain: database.openSaver(), named: new NamedSaver(optionsOf({})) };
    expect(JSON.parse(JSON.stringify({ configurable: savers }))).toEqual({
      configurable: { plain: "[MongoDBSaver]", named: "[NamedSaver]" },
    });
  });

  it("of a subgraph is left alone by the saver that stores the parent's checkpoints", async () => {
    const saver = database.openSaver();
    const config = { configurable: { thread_id: uuid6(0), checkpointer: saver } };
    const put = await saver.put(config, makeCheckpoint({ a: 1 }), makeMetadata(), { a: 1 });
    expect(Object.keys(put.configurable ?? {}).toSorted()).toEqual([
      "checkpoint_id",
      "checkpoint_ns",
      "thread_id",
    ]);
    expect(idOf((await saver.getTuple(config))?.config)).toBe(idOf(put));
  });
});

describe("a saver whose writes fail", () => {
  it.each(["sync", "async", "exit"] as const)(
    "once leaves a thread that another run finishes, with durability %s",
    async (durability) => {
      class FailsOnce extends MongoDBSaver {
        private left = 1;
        private underWay = 0;

        /** A run that fails ends before what it began to store is stored. */
        async settle(): Promise<void> {
          do await sleep(20);
          while (this.underWay > 0);
        }

        override async put(...args: Parameters<MongoDBSaver["put"]>): Promise<RunnableConfig> {
          this.underWay += 1;
          return super.put(...args).finally(() => (this.underWay -= 1));
        }

        override async putWrites(...args: Parameters<MongoDBSaver["putWrites"]>): Promise<void> {
          const [, writes] = args;
          const isOfA = writes.some(([, value]) => JSON.stringify(value) === '["a"]');
          if (isOfA && this.left > 0) {
            this.left -= 1;
            throw new Error("not stored");
          }
          this.underWay += 1;
          return super.putWrites(...args).finally(() => (this.underWay -= 1));
        }
      }
      const saver = new FailsOnce(optionsOf({ collectionPrefix: `fails_${durability}_` }));
      const config = { configurable: { thread_id: "t" }, durability };
      const graph = build(saver);
      await expect(graph.invoke(both("in"), config)).rejects.toThrow("not stored");
      await saver.settle();
      for (const { values } of await Array.fromAsync(graph.getStateHistory(config))) {
        const { log = [], delta = [] } = values as Partial<typeof State.State>;
        expect(delta).toEqual(log);
      }
      await graph.invoke(durability === "exit" ? both("in") : null, config);
      const state = await graph.getState(config);
      expect(state.values).toMatchObject({ log: ["in", "a", "z"], delta: ["in", "a", "z"] });
    },
  );
});
