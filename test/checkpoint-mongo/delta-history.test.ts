import type { RunnableConfig } from "@langchain/core/runnables";
import { BaseCheckpointSaver, uuid6 } from "@langchain/langgraph-checkpoint";
import { CorruptCheckpointError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { Document } from "mongodb";
import { describe, expect, it } from "vitest";
import type { Kind } from "./documents-of-kind.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const CHANNELS = ["delta", "other"];

/** Checkpoints one after the other, each with a write to a channel that none of them stores. */
async function extend(saver: MongoDBSaver, from: RunnableConfig, steps: readonly string[]) {
  let config = from;
  for (const step of steps) {
    config = await putCheckpoint(saver, config, makeCheckpoint());
    await saver.putWrites(config, [["delta", step]], uuid6(0));
  }
  return config;
}

/** A thread whose first checkpoint stores both channels, and the steps after it. */
async function startThread(saver: MongoDBSaver, threadId: string, steps: readonly string[]) {
  const first = makeCheckpoint({ delta: "seed", other: "seed of other" });
  const root = await putCheckpoint(saver, threadConfig(threadId), first);
  return { root, latest: await extend(saver, root, steps) };
}

/** What was written to the delta channel before a checkpoint, by the saver; the base class agrees. */
async function readSteps(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown[]> {
  const options = { config, channels: CHANNELS };
  const history = await saver.getDeltaChannelHistory(options);
  expect(history).toEqual(
    await BaseCheckpointSaver.prototype.getDeltaChannelHistory.call(saver, options),
  );
  return history["delta"]!.writes.map(([, , value]) => value);
}

describe("the history of a delta channel", () => {
  it.each([1, 5])("is that of its own branch, with %i others of its length", async (others) => {
    const saver = database.openSaver();
    const { root, latest } = await startThread(saver, `branches-${others}`, ["a", "b"]);
    // The branches grow by turns, so that each lies between the others.
    const ends: { name: string; at: RunnableConfig }[] = [];
    for (let index = 0; index <= others; index += 1) ends.push({ name: `${index}`, at: latest });
    for (const step of ["c", "d", "e", "f"]) {
      for (const end of ends) end.at = await extend(saver, end.at, [`${step}${end.name}`]);
    }
    for (const reader of [saver, database.openSaverElsewhere()]) {
      for (const { name, at } of ends) {
        expect(await readSteps(reader, at)).toEqual(["a", "b", `c${name}`, `d${name}`, `e${name}`]);
      }
      expect(await readSteps(reader, root)).toEqual([]);
    }
  });

  it("is read in two commands where all ancestors are known, and holds later writes", async () => {
    const saver = database.openSaver();
    const { root, latest } = await startThread(saver, "known", ["a", "b", "c"]);
    const end = await extend(saver, latest, ["last"]);
    await saver.putWrites(root, [["delta", "late"]], "another task");
    const commands = await database.recordCommands(async () => {
      const history = await saver.getDeltaChannelHistory({ config: end, channels: ["delta"] });
      expect(history["delta"]).toEqual({
        seed: "seed",
        writes: ["late", "a", "b", "c"].map((value): unknown[] => [
          expect.any(String),
          "delta",
          value,
        ]),
      });
    });
    expect(commands).toEqual(["aggregate", "find"]);
  });

  it("begins at an ancestor that was put again as it is now", async () => {
    const saver = database.openSaver();
    const { root, latest } = await startThread(saver, "again", ["a", "b"]);
    const first = makeCheckpoint(
      { delta: "another seed", other: 1 },
      { id: root.configurable!["checkpoint_id"] as string },
    );
    await putCheckpoint(saver, threadConfig("again"), first);
    for (const reader of [saver, database.openSaverElsewhere()]) {
      expect(await readSteps(reader, latest)).toEqual(["a"]);
      const history = await reader.getDeltaChannelHistory({ config: latest, channels: CHANNELS });
      expect(history["delta"]).toMatchObject({ seed: "another seed" });
    }
  });

  it("takes no cached ancestor that differs from the one a child was built upon", async () => {
    const [saver, elsewhere] = [database.openSaver(), database.openSaverElsewhere()];
    const { root } = await startThread(saver, "remembered", []);
    const again = makeCheckpoint(
      { delta: "another seed", other: 1 },
      { id: root.configurable!["checkpoint_id"] as string },
    );
    await putCheckpoint(elsewhere, threadConfig("remembered"), again);
    const next = await extend(elsewhere, root, ["a"]);
    const latest = await extend(elsewhere, next, ["b"]);
    // All that lies between, it remembers as it is.
    await saver.getTuple(next);
    for (const reader of [saver, elsewhere, database.openSaver()]) {
      expect(await readSteps(reader, latest)).toEqual(["a"]);
      const history = await reader.getDeltaChannelHistory({ config: latest, channels: CHANNELS });
      expect(history["delta"]).toMatchObject({ seed: "another seed" });
    }
  });

  it("holds the writes of all ancestors, whatever characters their ids have", async () => {
    const saver = database.openSaver();
    let { latest } = await startThread(saver, "ids", []);
    // JavaScript compares UTF-16, the server UTF-8.
    const ids = ["\u{1F642}", "\uFFFD", "x"];
    for (const id of ids) {
      latest = await putCheckpoint(saver, latest, makeCheckpoint({}, { id }));
      await saver.putWrites(latest, [["delta", id]], "task");
    }
    const end = await extend(saver, latest, []);
    const next = await putCheckpoint(saver, end, makeCheckpoint());
    expect(await readSteps(saver, next)).toEqual(ids);
  });

  it.each([
    ["the checkpoint itself", "checkpoint", { seq: 4 }],
    ["an ancestor", "checkpoint", { seq: 2 }],
    ["a write", "writes", {}],
  ] satisfies [string, Kind, Document][])(
    "is refused if %s is damaged",
    async (what, of, which) => {
      const { latest } = await startThread(database.openSaver(), what, ["a", "b", "c"]);
      const collection = database.documents(of);
      const filter = { thread_id: what, ...which };
      const { hash } = (await collection.findOne({ thread_id: "known" }))!;
      const earliest = await collection.findOne(filter, { sort: { checkpoint_id: 1 } });
      await collection.updateOne({ _id: earliest!._id }, { $set: { hash } });
      const reader = database.openSaver();
      await expect(
        reader.getDeltaChannelHistory({ config: latest, channels: ["delta"] }),
      ).rejects.toThrow(CorruptCheckpointError);
    },
  );

  it("is refused where one write took another's place, also by a process that has read both before", async () => {
    const saver = database.openSaver();
    const { latest } = await startThread(saver, "swapped", ["a", "b", "c"]);
    expect(await readSteps(saver, latest)).toEqual(["a", "b"]);
    const collection = database.documents("writes");
    const [first, second] = await collection
      .find({ thread_id: "swapped" })
      .sort({ checkpoint_id: 1 })
      .toArray();
    const { writes, hash } = second!;
    await collection.updateOne({ _id: first!._id }, { $set: { writes, hash } });
    await expect(readSteps(saver, latest)).rejects.toThrow(CorruptCheckpointError);
  });
});
