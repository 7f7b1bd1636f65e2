import { ERROR, INTERRUPT, MemorySaver, RESUME } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

describe("put", () => {
  it("returns the config of the new checkpoint, and nothing else of the given config", async () => {
    const checkpoint = makeCheckpoint({ a: 1 });
    const config = await putCheckpoint(
      saver,
      { configurable: { thread_id: "returns", extra: "not passed on" }, tags: ["x"] },
      checkpoint,
    );
    expect(config).toEqual({
      configurable: { thread_id: "returns", checkpoint_ns: "", checkpoint_id: checkpoint.id },
    });
  });

  it("repeated with the same content stores nothing more", async () => {
    const config = threadConfig("repeated");
    const checkpoint = makeCheckpoint({ list: ["x".repeat(1_000)], other: { k: 1 } });
    await putCheckpoint(saver, config, checkpoint);
    const stored = await database.readAll("repeated");
    for (const again of [saver, saver, database.openSaverElsewhere()]) {
      await putCheckpoint(again, config, checkpoint);
    }
    expect(await database.readAll("repeated")).toEqual(stored);
  });

  it("repeated with other content replaces the checkpoint, in the same place of the order", async () => {
    const config = threadConfig("replaced");
    const first = makeCheckpoint({ a: "first" });
    const firstConfig = await putCheckpoint(saver, config, first);
    const second = makeCheckpoint({ a: "second" });
    await putCheckpoint(saver, firstConfig, second);
    const replacement = { ...first, channel_values: { a: "replaced".repeat(100) } };
    for (const writer of [saver, database.openSaverElsewhere()]) {
      await putCheckpoint(writer, config, replacement, makeMetadata({ step: 7 }));
      for (const reader of [saver, database.openSaverElsewhere()]) {
        const listed = await Array.fromAsync(reader.list(config));
        expect(listed.map((tuple) => tuple.checkpoint)).toEqual([second, replacement]);
        expect(listed[1]?.metadata).toMatchObject({ step: 7 });
      }
    }
  });

  it("makes the last checkpoint the latest, even if the clock was set back", async () => {
    const config = threadConfig("clock");
    let parent = config;
    for (const id of ["3", "1", "2"]) {
      parent = await putCheckpoint(saver, parent, makeCheckpoint({ a: id }, { id }));
      for (const reader of [saver, database.openSaverElsewhere()]) {
        expect((await reader.getTuple(config))?.checkpoint.id).toBe(id);
      }
    }
    const listed = await Array.fromAsync(saver.list(config));
    expect(listed.map((tuple) => tuple.checkpoint.id)).toEqual(["2", "1", "3"]);
  });

  it("keeps channels that newVersions does not name as they are in the parent", async () => {
    const messages = ["x".repeat(500)];
    const first = makeCheckpoint({ messages, count: 1 });
    const parent = await putCheckpoint(saver, threadConfig("kept"), first);
    const second = makeCheckpoint({ messages, count: 2 }, { versions: { count: 2 } });
    await saver.put(parent, second, makeMetadata(), { count: 2 });
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig("kept"));
    expect(tuple?.checkpoint).toEqual(second);
  });

  it("stores nothing for a channel that is the same as in the parent, named or not", async () => {
    const messages = ["x".repeat(500)];
    const parent = await putCheckpoint(
      saver,
      threadConfig("stored-once"),
      makeCheckpoint({ messages }),
    );
    const before = await database.documents("segment").find({ thread_id: "stored-once" }).toArray();
    expect(before).toHaveLength(1);
    for (const newVersions of [{ messages: 2 }, {}]) {
      await saver.put(
        parent,
        makeCheckpoint({ messages: [...messages] }),
        makeMetadata(),
        newVersions,
      );
    }
    const after = await database.documents("segment").find({ thread_id: "stored-once" }).toArray();
    expect(after).toEqual(before);
  });

  it("gives every read its own copy of the state", async () => {
    const config = threadConfig("copies");
    await putCheckpoint(saver, config, makeCheckpoint({ list: [{ deep: ["value"] }] }));
    const first = await saver.getTuple(config);
    (first!.checkpoint.channel_values["list"] as { deep: string[] }[])[0]!.deep[0] = "changed";
    const second = await saver.getTuple(config);
    expect(second?.checkpoint.channel_values).toEqual({ list: [{ deep: ["value"] }] });
  });

  it("notices a change in place of an object that was stored before", async () => {
    const list = [{ text: "a".repeat(400) }, { text: "b".repeat(400) }];
    const parent = await putCheckpoint(saver, threadConfig("in-place"), makeCheckpoint({ list }));
    list[0]!.text = "c".repeat(400);
    const changed = makeCheckpoint({ list }, { versions: { list: 2 } });
    await putCheckpoint(saver, parent, changed);
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig("in-place"));
    expect(tuple?.checkpoint.channel_values).toEqual({ list });
  });

  it("refuses values that cannot be stored, with channel and path, and stores nothing", async () => {
    const parent = await putCheckpoint(saver, threadConfig("refused"), makeCheckpoint({ a: 1 }));
    const stored = await database.readAll("refused");
    const bad = makeCheckpoint({ fine: [1], files: { "a.txt": [{ onDone: () => 1 }] } });
    await expect(putCheckpoint(saver, parent, bad)).rejects.toMatchObject({
      code: "UNSERIALIZABLE_STATE",
      channel: "files",
      path: 'files["a.txt"][0].onDone',
    });
    const badMetadata = makeMetadata({ hook: Symbol("hook") });
    await expect(
      putCheckpoint(saver, parent, makeCheckpoint({ a: "new".repeat(200) }), badMetadata),
    ).rejects.toMatchObject({ code: "UNSERIALIZABLE_STATE", path: "metadata.hook" });
    expect(await database.readAll("refused")).toEqual(stored);
  });

  it("writes the time of storage only with enableTimestamps or a ttl", async () => {
    const before = Date.now();
    for (const [id, writer] of [
      ["stamped", database.openSaver({ enableTimestamps: true })],
      ["stamped, with ttl", database.openSaver({ ttl: 3_600 })],
      ["unstamped", saver],
    ] as const) {
      const config = await putCheckpoint(writer, threadConfig(id), makeCheckpoint({ a: 1 }));
      await writer.putWrites(config, [["a", 2]], "task");
      const times = (await database.readAll(id))
        .map((document) => document["upserted_at"] as Date | undefined)
        .filter((time) => time !== undefined);
      expect(times).toHaveLength(id === "unstamped" ? 0 : 2);
      for (const time of times) {
        expect(time.getTime()).toBeGreaterThanOrEqual(before);
        expect(time.getTime()).toBeLessThanOrEqual(Date.now());
      }
    }
  });
});

describe("putWrites", () => {
  async function startThread(id: string) {
    return putCheckpoint(saver, threadConfig(id), makeCheckpoint({ a: 1 }));
  }

  it("keeps an ordinary write that exists already", async () => {
    const config = await startThread("insert-once");
    await saver.putWrites(config, [["a", "first"]], "task");
    await saver.putWrites(
      config,
      [
        ["a", "second"],
        ["b", "new position"],
      ],
      "task",
    );
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.pendingWrites).toEqual([
      ["task", "a", "first"],
      ["task", "b", "new position"],
    ]);
  });

  it("replaces special writes, if all of a call are special", async () => {
    const config = await startThread("last-wins");
    await saver.putWrites(config, [[INTERRUPT, "asks"]], "task");
    await saver.putWrites(config, [[INTERRUPT, "asks again"]], "task");
    await saver.putWrites(
      config,
      [
        [RESUME, ["answer"]],
        [ERROR, { message: "failed" }],
      ],
      "task",
    );
    await saver.putWrites(config, [[RESUME, ["answer", "second answer"]]], "task");
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.pendingWrites).toEqual([
      ["task", RESUME, ["answer", "second answer"]],
      ["task", INTERRUPT, "asks again"],
      ["task", ERROR, { message: "failed" }],
    ]);
  });

  it("keeps special and ordinary writes of one task apart", async () => {
    const config = await startThread("both");
    await saver.putWrites(config, [["a", 1]], "task");
    await saver.putWrites(config, [[ERROR, "failed"]], "task");
    await saver.putWrites(
      config,
      [
        ["a", 2],
        [ERROR, "failed again"],
      ],
      "task",
    );
    expect((await saver.getTuple(config))?.pendingWrites).toEqual([
      ["task", ERROR, "failed again"],
      ["task", "a", 1],
    ]);
  });

  it("returns writes by task and position, in whatever order they came", async () => {
    const config = await startThread("ordered");
    const tasks = Array.from(
      { length: 50 },
      (_, index) => `task-${String(index).padStart(2, "0")}`,
    );
    const values = [0, 1, 2];
    await Promise.all(
      tasks.toReversed().map((task) =>
        saver.putWrites(
          config,
          values.map((value) => ["a", value]),
          task,
        ),
      ),
    );
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.pendingWrites).toEqual(
      tasks.flatMap((task) => values.map((value) => [task, "a", value])),
    );
  });

  it("without writes sends no command", async () => {
    const config = await startThread("nothing");
    expect(await database.recordCommands(() => saver.putWrites(config, [], "task"))).toEqual([]);
  });

  it("refuses a whole write set if one of its values cannot be stored", async () => {
    const config = await startThread("refused-writes");
    await expect(
      saver.putWrites(
        config,
        [
          ["a", 1],
          ["b", [new WeakMap()]],
        ],
        "task",
      ),
    ).rejects.toMatchObject({ code: "UNSERIALIZABLE_STATE", path: "b[0]" });
    expect((await saver.getTuple(config))?.pendingWrites).toEqual([]);
  });

  it("is done before a child of its checkpoint can be seen", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    const { serde } = new MemorySaver();
    const slow = new MongoDBSaver(
      { client: database.client, dbName: database.name },
      {
        dumpsTyped: async (value) => {
          if (value === "slow") await released;
          return serde.dumpsTyped(value);
        },
        loadsTyped: (type, value) => serde.loadsTyped(type, value),
      },
    );
    const config = await putCheckpoint(slow, threadConfig("waits"), makeCheckpoint({ a: 1 }));
    const writes = slow.putWrites(config, [["a", "slow"]], "task");
    const child = makeCheckpoint({ a: 2 });
    const put = putCheckpoint(slow, config, child);
    await sleep(100);
    const childConfig = threadConfig("waits", { checkpointId: child.id });
    expect(await slow.getTuple(childConfig)).toBeUndefined();
    release(undefined);
    await put;
    expect((await slow.getTuple(config))?.pendingWrites).toEqual([["task", "a", "slow"]]);
    await writes;
  });

  it("keeps the same task's writes of two checkpoints apart", async () => {
    const first = await startThread("two-checkpoints");
    const second = await putCheckpoint(saver, first, makeCheckpoint({ a: 2 }));
    await saver.putWrites(first, [["a", "of first"]], "task");
    await saver.putWrites(second, [["a", "of second"]], "task");
    expect((await saver.getTuple(first))?.pendingWrites).toEqual([["task", "a", "of first"]]);
    expect((await saver.getTuple(second))?.pendingWrites).toEqual([["task", "a", "of second"]]);
  });
});
