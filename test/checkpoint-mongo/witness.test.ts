import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  CorruptCheckpointError,
  MongoDBSaver,
  type MongoDBSaverSettings,
} from "@threadkeep/checkpoint-mongo";
import type { Document } from "mongodb";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { kindOf } from "./documents-of-kind.ts";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, makeMetadata, threadConfig } from "./make-checkpoint.ts";
import { isSave, listUpdates } from "./send-in-parts.ts";
import { openOnStoppingServer, STOPPED } from "./stopping-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

let threadId: string;
let configs: RunnableConfig[];

beforeEach(async () => {
  threadId = uuid6(0);
  configs = await fill(open(), threadConfig(threadId));
});

describe("with the option witness, missing documents are noticed:", () => {
  it("a set of pending writes", async () => {
    const latest = configs.at(-1)!;
    await open().putWrites(latest, [["items", "b"]], "other task");
    await open().putWrites(latest, [["__interrupt__", "c"]], "other task");
    for (const filter of [
      { task_id: "task" },
      { task_id: "other task", idx: 0 },
      { task_id: "other task", idx: { $lt: 0 } },
    ]) {
      const writes = database.documents("writes");
      const removed = (await writes.findOne({ thread_id: threadId, ...filter }))!;
      await writes.deleteOne({ _id: removed._id });
      await expectLoss("write");
      expect(await damages()).toMatchObject([
        { document: "write", checkpointId: idOf(latest), found: "nothing" },
      ]);
      await writes.insertOne({ ...removed, kind: "writes" });
      await expectWhole();
    }
    expect((await open().getTuple(latest))?.pendingWrites).toHaveLength(3);
  });

  it("the pending writes of an earlier checkpoint", async () => {
    const [first] = configs;
    await open().putWrites(first!, [["items", "b"]], "task");
    await expectWhole();
    await database.documents("writes").deleteMany({ checkpoint_id: idOf(first!) });
    await expect(open().getTuple(first!)).rejects.toThrow(CorruptCheckpointError);
    await expect(Array.fromAsync(open().list(threadConfig(threadId)))).rejects.toThrow(
      CorruptCheckpointError,
    );
    expect(await damages()).toMatchObject([{ document: "write", checkpointId: idOf(first!) }]);
  });

  it("a set that was stored in place of another one", async () => {
    const writes = database.documents("writes");
    await open().putWrites(configs.at(-1)!, [["items", "b"]], "other task");
    await writes.deleteOne({ thread_id: threadId, task_id: "task" });
    await writes.updateOne({ thread_id: threadId }, { $set: { task_id: "task" } });
    await expect(open().getTuple(threadConfig(threadId))).rejects.toThrow(CorruptCheckpointError);
  });

  it("the newest checkpoint, even if the mark was set on an older one", async () => {
    const checkpoints = database.documents("checkpoint");
    await checkpoints.deleteOne({ thread_id: threadId, seq: 3 });
    await checkpoints.updateOne({ thread_id: threadId, seq: 2 }, { $set: { head: true } });
    await expectLoss("checkpoint");
    // As it was when it was the latest.
    await checkpoints.updateOne({ thread_id: threadId, seq: 2 }, { $unset: { next: "" } });
    expect((await open().getTuple(threadConfig(threadId)))?.config).toEqual(configs[1]);
    expect(await damages()).toMatchObject([
      {
        document: "checkpoint",
        which: 'in place 3, the newest of namespace ""',
      },
    ]);
  });

  it("a namespace as a whole", async () => {
    await fill(open(), threadConfig(threadId, { namespace: "agent" }));
    await expectWhole();
    await database
      .documents("checkpoint")
      .deleteMany({ thread_id: threadId, checkpoint_ns: "agent" });
    await database.documents("writes").deleteMany({ thread_id: threadId, checkpoint_ns: "agent" });
    expect(await damages()).toMatchObject([
      { document: "checkpoint", found: "nothing of its namespace" },
    ]);
  });

  it("and fall-back treats them like other damage", async () => {
    await database.documents("writes").deleteMany({ thread_id: threadId });
    const saver = open({ onCorruption: "fall-back", onEvent: () => {} });
    expect((await saver.getTuple(threadConfig(threadId)))?.config).toEqual(configs[1]);
  });
});

describe("with the option witness, nothing is reported if nothing is missing:", () => {
  it("writes that are stored before their checkpoint, or with it", async () => {
    for (let round = 0; round < 20; round += 1) {
      const saver = open();
      const thread = threadConfig(uuid6(round));
      const id = uuid6(100);
      const later = { configurable: { ...thread.configurable, checkpoint_id: id } };
      const checkpoint = { ...makeCheckpoint({ items: ["x".repeat(round * 20_000)] }), id };
      const before = ["a", "b"].map((task) => saver.putWrites(later, [["items", task]], task));
      if (round % 2 === 0) await Promise.all(before);
      await Promise.all([
        ...before,
        saver.put(thread, checkpoint, makeMetadata(), { items: 1 }),
        ...["c", "d"].map((task) => saver.putWrites(later, [["items", task]], task)),
      ]);
      // All of them are witnessed, whichever came first.
      const { thread_id } = thread.configurable as { thread_id: string };
      const own = { thread_id, checkpoint_id: id };
      const { sets } = (await database.documents("checkpoint").findOne(own))!;
      expect(sets).toHaveLength(4);
      expect((await open().getTuple(later))?.pendingWrites).toHaveLength(4);
      expect(await open().verifyThread(thread_id)).toMatchObject({ damages: [] });
    }
  });

  it("writes that were stored before their checkpoint are named in the command that stores it", async () => {
    const saver = open();
    const later = threadConfig(threadId, { checkpointId: NEXT_ID });
    await saver.putWrites(later, [["items", "early"]], "task");
    const commands = await database.recordCommands(() => put(saver, configs.at(-1)!, 3, NEXT_ID));
    expect(commands.filter((name) => name === "update")).toHaveLength(1);
    await database.documents("writes").deleteMany({ checkpoint_id: NEXT_ID, thread_id: threadId });
    await expect(open().getTuple(later)).rejects.toThrow(CorruptCheckpointError);
  });

  it("writes whose reply comes late, after that of the checkpoint they came before", async () => {
    const { promise: isPut, resolve } = Promise.withResolvers<void>();
    const client = await connectThrough(database.uri, async (command, send) => {
      const reply = await send(command);
      const isOfWrites = listUpdates(command).some((update) => kindOf(update) === "writes");
      if (isSave(command) && isOfWrites) await isPut;
      return reply;
    });
    const saver = new MongoDBSaver({ client, dbName: database.name, witness: true });
    const thread = threadConfig(uuid6(0));
    await put(saver, thread, 0);
    const id = uuid6(5);
    const later = { configurable: { ...thread.configurable, checkpoint_id: id } };
    const writing = saver.putWrites(later, [["items", "early"]], "task");
    const own = { thread_id: thread.configurable!["thread_id"] as string, checkpoint_id: id };
    while ((await database.documents("writes").findOne(own)) === null) await sleep(5);
    // So large that it is not kept waiting.
    const large = makeCheckpoint({ items: randomBytes(1_500_000).toString("base64") }, { id });
    await saver.put(thread, large, makeMetadata(), { items: 1 });
    resolve();
    await writing;
    expect((await database.documents("checkpoint").findOne(own))!["sets"]).toHaveLength(1);
    expect((await open().getTuple(later))?.pendingWrites).toHaveLength(1);
  });

  it("writes and checkpoints that are stored once more", async () => {
    for (let times = 0; times < 2; times += 1) {
      const latest = configs.at(-1)!;
      await open().putWrites(latest, [["items", "a"]], "task");
      await open().putWrites(latest, [["__resume__", times]], "task");
      const { checkpoint, metadata, parentConfig } = (await open().getTuple(latest))!;
      await open().put(parentConfig!, checkpoint, metadata, checkpoint.channel_versions);
      const changed = { ...metadata!, source: "update" as const };
      await open().put(parentConfig!, checkpoint, changed, checkpoint.channel_versions);
      await expectWhole();
    }
    const { sets } = (await database
      .documents("checkpoint")
      .findOne({ thread_id: threadId, seq: 3 }))!;
    expect(sets).toHaveLength(2);
  });

  it("a thread's next lives, in the same process and in others", async () => {
    const [first] = configs;
    const { checkpoint, metadata } = (await open().getTuple(first!))!;
    const same = open();
    for (let life = 1; life <= 3; life += 1) {
      const saver = life === 2 ? same : open();
      await saver.deleteThread(threadId);
      await expectWhole();
      await same.put(threadConfig(threadId), checkpoint, metadata, checkpoint.channel_versions);
      await expectWhole();
      await saver.putWrites(first!, [["items", life]], `task of life ${life}`);
      await expectWhole();
    }
    const record = (await database.documents("thread").findOne({ thread_id: threadId }))!;
    expect(Object.keys(record["newest"] as object)).toEqual(["3"]);
  });

  it("a checkpoint of an earlier life that is made one of this", async () => {
    const [first] = configs;
    const { checkpoint, metadata } = (await open().getTuple(first!))!;
    await open().putWrites(first!, [["items", "old"]], "task");
    const left = (await database.documents("checkpoint").findOne({ checkpoint_id: idOf(first!) }))!;
    expect(left).toMatchObject({ sets: [expect.anything()], next: 2 });
    await open().deleteThread(threadId);
    // What a process that was slow left behind in a thread that lives again.
    await open().put(threadConfig(threadId, { namespace: "agent" }), checkpoint, metadata, {});
    await database.documents("checkpoint").insertOne({ ...left, kind: "checkpoint" });
    const saver = open();
    await saver.put(threadConfig(threadId), checkpoint, metadata, checkpoint.channel_versions);
    const taken = (await database
      .documents("checkpoint")
      .findOne({ checkpoint_id: idOf(first!) }))!;
    expect(taken).toMatchObject({ epoch: 1 });
    expect(taken).not.toHaveProperty("sets");
    expect(taken).not.toHaveProperty("next");
    expect((await open().getTuple(first!))?.pendingWrites).toEqual([]);
  });

  it.each(["interrupts", "exit"] as const)("checkpoints that do not stay: %s", async (persist) => {
    const thread = threadConfig(uuid6(0));
    const saver = open({ persist });
    for (const config of await fill(saver, thread)) await open().getTuple(config);
    const id = thread.configurable!["thread_id"] as string;
    expect((await open().getTuple(thread))?.pendingWrites).toHaveLength(1);
    expect(await open().verifyThread(id)).toMatchObject({ damages: [] });
  });

  it("a server that stopped before any update of a put or of writes, and the same once more", async () => {
    let stops = 0;
    for (let left = 0; left < 40; left += 1) {
      threadId = uuid6(0);
      const latest = (await fill(open(), threadConfig(threadId))).at(-1)!;
      const work = async (saver: MongoDBSaver) => {
        const config = await put(saver, latest, 3, NEXT_ID);
        await saver.putWrites(config, [["items", "a"]], "task");
        await saver.putWrites(config, [["__interrupt__", "b"]], "task");
      };
      let carriedOut = 0;
      const stopping = await openOnStoppingServer(
        database,
        ({ length }) => {
          const count = Math.min(length, left - carriedOut);
          carriedOut += count;
          return count;
        },
        { witness: true },
      );
      const error = await work(stopping).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      await expectWhole();
      await work(open());
      await expectWhole();
      const own = { thread_id: threadId, checkpoint_id: NEXT_ID };
      expect((await database.documents("checkpoint").findOne(own))!["sets"]).toHaveLength(2);
      if (error === undefined) break;
      expect(error).toMatchObject(STOPPED);
      stops += 1;
    }
    expect(stops).toBeGreaterThan(12);
  });

  it("a saver without the option, before and after", async () => {
    const without = database.openSaver();
    await without.putWrites(configs.at(-1)!, [["items", "b"]], "other task");
    const next = await put(without, configs.at(-1)!, 3);
    await without.putWrites(next, [["items", "c"]], "task");
    await expectWhole();
    const again = await put(open(), next, 4);
    await open().putWrites(again, [["items", "d"]], "task");
    await expectWhole();
  });
});

it.each([
  ["is moved to an earlier checkpoint", { seq: 3 }, { $unset: { head: "" } }],
  ["is on an earlier checkpoint because the newest are gone", { seq: 3 }, undefined],
] as const)(
  "without any option, it is noticed on read if the mark of the latest %s",
  async (_name, newest, update) => {
    const id = uuid6(0);
    const root = threadConfig(id);
    await fill(database.openSaver(), root);
    const checkpoints = database.documents("checkpoint");
    const filter = { thread_id: id, ...newest };
    await (update === undefined
      ? checkpoints.deleteMany(filter)
      : checkpoints.updateOne(filter, update));
    await checkpoints.updateOne({ thread_id: id, seq: 1 }, { $set: { head: true } });
    const error = { code: "CORRUPT_CHECKPOINT", corruption: { which: "that is the latest" } };
    await expect(database.openSaver().getTuple(root)).rejects.toMatchObject(error);
    const list = database.openSaver().list({ configurable: { thread_id: id } });
    await expect(Array.fromAsync(list)).rejects.toMatchObject(error);
    expect((await database.openSaver().verifyThread(id)).damages).not.toEqual([]);
  },
);

it("without the option, nothing is stored for it", async () => {
  const id = uuid6(0);
  await fill(database.openSaver(), threadConfig(id));
  for (const document of await database.readAll(id)) {
    for (const field of ["sets", "newest"]) expect(document).not.toHaveProperty(field);
  }
});

it("the option needs no further command", async () => {
  const count = async (settings: MongoDBSaverSettings) => {
    const saver = database.openSaver(settings);
    const thread = threadConfig(uuid6(0));
    return database.recordCommands(async () => {
      await fill(saver, thread);
      await saver.getTuple(thread);
    });
  };
  await count({});
  const witnessed = await count({ witness: true });
  // What is asked for at once comes in any order.
  expect(witnessed.toSorted()).toEqual((await count({})).toSorted());
});

it("namespaces of single tasks do not fill the thread's record", async () => {
  for (const namespace of ["agent", "agent:1", "agent:2", "agent|tool:3"]) {
    await fill(open(), threadConfig(threadId, { namespace }));
  }
  const record = (await database.documents("thread").findOne({ thread_id: threadId }))!;
  expect(Object.keys((record["newest"] as Document)[0] as object)).toHaveLength(2);
  await expectWhole();
});

const NEXT_ID = uuid6(77);

/** A process that has just started. */
function open(settings: MongoDBSaverSettings = {}): MongoDBSaver {
  return database.openSaver({ witness: true, ...settings });
}

/** Three checkpoints, with a write to the last. */
async function fill(saver: MongoDBSaver, thread: RunnableConfig): Promise<RunnableConfig[]> {
  const filled: RunnableConfig[] = [];
  let config = thread;
  for (const step of [0, 1, 2]) filled.push((config = await put(saver, config, step)));
  await saver.putWrites(config, [["items", "a"]], "task");
  return filled;
}

async function put(
  saver: MongoDBSaver,
  config: RunnableConfig,
  step: number,
  id: string = uuid6(step),
): Promise<RunnableConfig> {
  const items = Array.from({ length: step + 1 }, (_, index) => index);
  const checkpoint = makeCheckpoint({ items }, { id, versions: { items: step + 1 } });
  return saver.put(config, checkpoint, makeMetadata({ step }), { items: step + 1 });
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function damages(): Promise<readonly object[]> {
  return (await open().verifyThread(threadId)).damages;
}

async function expectWhole(): Promise<void> {
  await open().getTuple(threadConfig(threadId));
  await Array.fromAsync(open().list(threadConfig(threadId)));
  expect(await damages()).toEqual([]);
}

async function expectLoss(document: string): Promise<void> {
  for (const saver of [open(), database.openSaver()]) {
    await expect(saver.getTuple(threadConfig(threadId))).rejects.toMatchObject({
      code: "CORRUPT_CHECKPOINT",
      corruption: { document },
    });
    await expect(Array.fromAsync(saver.list(threadConfig(threadId)))).rejects.toMatchObject({
      code: "CORRUPT_CHECKPOINT",
    });
  }
}
