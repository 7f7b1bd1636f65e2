import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { hashLife } from "../../packages/checkpoint-mongo/src/integrity/hashes.ts";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

/** A list that is stored in a segment, not in the checkpoint itself. */
function makeList(length: number): string[] {
  return Array.from({ length }, (_, index) => `item ${index} `.repeat(20));
}

async function startThread(threadId: string, writer = saver) {
  const checkpoint = makeCheckpoint({ list: makeList(3), name: threadId });
  const config = await putCheckpoint(writer, threadConfig(threadId), checkpoint);
  await writer.putWrites(config, [["list", "pending"]], "task");
  const namespace = threadConfig(threadId, { namespace: "sub:1" });
  await putCheckpoint(writer, namespace, makeCheckpoint({ sub: makeList(2) }));
  return config;
}

describe("deleteThread", () => {
  it("removes the thread in all namespaces, and no other thread", async () => {
    await startThread("deleted");
    await startThread("stays");
    await saver.deleteThread("deleted");
    for (const reader of [saver, database.openSaverElsewhere()]) {
      expect(await reader.getTuple(threadConfig("deleted"))).toBeUndefined();
      const all = { configurable: { thread_id: "deleted" } };
      expect(await Array.fromAsync(reader.list(all))).toEqual([]);
      expect(
        (await reader.getTuple(threadConfig("stays")))?.checkpoint.channel_values,
      ).toMatchObject({ list: makeList(3) });
    }
    // What is left is the record of the deletion, which the server removes after a day.
    expect(await database.readAll("deleted")).toEqual([
      expect.objectContaining({ _id: "deleted", deleted_at: expect.any(Date) as Date }),
    ]);
  });

  it("may be called again", async () => {
    await startThread("twice");
    await saver.deleteThread("twice");
    await saver.deleteThread("twice");
    expect(await saver.getTuple(threadConfig("twice"))).toBeUndefined();
  });

  it("leaves an id that can be used again, again and again", async () => {
    for (const round of [1, 2, 3]) {
      await startThread("again");
      const config = threadConfig("again");
      for (const reader of [saver, database.openSaverElsewhere()]) {
        const listed = await Array.fromAsync(reader.list(config));
        expect(listed).toHaveLength(1);
        expect(listed[0]?.checkpoint.channel_values).toMatchObject({ list: makeList(3) });
        expect(listed[0]?.pendingWrites).toEqual([["task", "list", "pending"]]);
      }
      const records = await database.documents("thread").find({}).toArray();
      expect(records.find(({ _id }) => String(_id) === "again")).toMatchObject({
        epoch: round - 1,
      });
      await saver.deleteThread("again");
    }
  });

  it.each(["this process", "another process"])(
    "by %s leaves nothing behind that a run with the same state would take for stored",
    async (by) => {
      const threadId = `same again, by ${by}`;
      const other = by === "this process" ? saver : database.openSaverElsewhere();
      const lengths = [1, 2, 3];
      const put = async (writer: typeof saver, parent: RunnableConfig, length: number) => {
        const checkpoint = makeCheckpoint(
          { list: makeList(length) },
          { versions: { list: length } },
        );
        return putCheckpoint(writer, parent, checkpoint);
      };
      let config = threadConfig(threadId);
      for (const length of lengths) config = await put(saver, config, length);
      await other.deleteThread(threadId);
      config = await put(other, threadConfig(threadId), 1);
      const configs = [config];
      for (const length of lengths.slice(1)) {
        config = await put(saver, config, length);
        configs.push(config);
      }
      const reader = database.openSaverElsewhere();
      for (const [index, length] of lengths.entries()) {
        const tuple = await reader.getTuple(configs[index]!);
        expect(tuple?.checkpoint.channel_values).toEqual({ list: makeList(length) });
      }
    },
  );

  it("by another process does not confuse the order of later puts of a process", async () => {
    const elsewhere = database.openSaverElsewhere();
    const root = threadConfig("order");
    const namespace = threadConfig("order", { namespace: "sub" });
    for (let step = 0; step < 3; step += 1) await putCheckpoint(saver, namespace, makeCheckpoint());
    await elsewhere.deleteThread("order");
    await putCheckpoint(elsewhere, namespace, makeCheckpoint());
    // From now on it knows that the thread started over.
    await putCheckpoint(saver, root, makeCheckpoint());
    await putCheckpoint(saver, namespace, makeCheckpoint());
    const last = makeCheckpoint();
    await putCheckpoint(elsewhere, namespace, last);
    expect((await database.openSaver().getTuple(namespace))?.checkpoint.id).toBe(last.id);
  });

  it("by another process leaves a continuing run its full state", async () => {
    const config = await startThread("going-on");
    // The run knows parent, thread and segments from before.
    await database.openSaverElsewhere().deleteThread("going-on");
    const list = [...makeList(3), "new"];
    const next = makeCheckpoint({ list, name: "going-on" }, { versions: { list: 2 } });
    const nextConfig = await saver.put(
      config,
      next,
      { source: "loop", step: 1, parents: {} },
      { list: 2 },
    );
    await saver.putWrites(nextConfig, [["list", "after"]], "task");
    for (const reader of [saver, database.openSaverElsewhere()]) {
      const tuple = await reader.getTuple(threadConfig("going-on"));
      expect(tuple?.checkpoint).toEqual(next);
      expect(tuple?.pendingWrites).toEqual([["task", "list", "after"]]);
      expect(await Array.fromAsync(reader.list(threadConfig("going-on")))).toHaveLength(1);
    }
  });

  it("by another process does not lose pending writes that follow it", async () => {
    const config = await startThread("writes-after");
    await database.openSaverElsewhere().deleteThread("writes-after");
    await saver.putWrites(config, [["list", "after"]], "task");
    await putCheckpoint(
      saver,
      threadConfig("writes-after"),
      makeCheckpoint({ a: 1 }, { id: config.configurable!["checkpoint_id"] as string }),
    );
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig("writes-after"));
    expect(tuple?.pendingWrites).toEqual([["task", "list", "after"]]);
  });

  it("that others get ahead of again and again ends with a typed error", async () => {
    await startThread("ended-by-others");
    const records = database.documents<{ _id: string }>("thread");
    const client = await connectThrough(database.uri, async (command, send) => {
      // As if another process ended the thread each time between what this one reads and changes.
      if ("findAndModify" in command) await endLife();
      return send(command);
    });
    let epoch = 0;
    const endLife = () => {
      epoch += 1;
      const $set = { epoch, life: hashLife("ended-by-others", epoch) };
      return records.updateOne({ _id: "ended-by-others" }, { $set });
    };
    const retry = { deadlineMs: 1_000 };
    const overtaken = new MongoDBSaver({ client, dbName: database.name, retry });
    await expect(overtaken.deleteThread("ended-by-others")).rejects.toMatchObject({
      code: "WRITE_CONFLICT",
      message: expect.stringContaining('delete thread "ended-by-others"') as string,
    });
    await saver.deleteThread("ended-by-others");
    expect(await saver.getTuple(threadConfig("ended-by-others"))).toBeUndefined();
  });

  it("at the same time as writes leaves the thread readable, whatever came first", async () => {
    const other = database.openSaverElsewhere();
    for (let round = 0; round < 10; round += 1) {
      const config = await startThread("contended");
      const list = [...makeList(3), `round ${round}`];
      const next = makeCheckpoint({ list, name: "contended" }, { versions: { list: 2 } });
      await Promise.all([
        other.deleteThread("contended"),
        saver.put(config, next, { source: "loop", step: 1, parents: {} }, { list: 2 }),
        saver.putWrites(config, [["list", "pending"]], "other-task"),
      ]);
      const read = await database.openSaverElsewhere().getTuple(threadConfig("contended"));
      expect([next, undefined]).toContainEqual(read?.checkpoint);
    }
  });
});
