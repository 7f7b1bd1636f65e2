import type { RunnableConfig } from "@langchain/core/runnables";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const savers = [database.openSaver(), database.openSaverElsewhere()] as const;

/** Puts a chain of checkpoints, each with one item more. */
async function putChain(
  saver: MongoDBSaver,
  start: RunnableConfig,
  name: string,
  length: number,
): Promise<string[]> {
  const ids: string[] = [];
  const list: string[] = [];
  let parent = start;
  for (let index = 0; index < length; index += 1) {
    list.push(`${name} ${index} `.repeat(30));
    const versions = { list: index + 1, name: 1 };
    const checkpoint = makeCheckpoint({ list: [...list], name }, { versions });
    parent = await putCheckpoint(saver, parent, checkpoint);
    ids.push(checkpoint.id);
  }
  return ids;
}

describe("two processes putting on one thread and namespace at once", () => {
  it("lose nothing, and take places in the order that are dense and unique", async () => {
    const config = threadConfig("two-writers");
    const chains = await Promise.all(
      ["a", "b", "c", "d"].map((name, index) => putChain(savers[index % 2]!, config, name, 8)),
    );
    const tuples = await Array.fromAsync(database.openSaverElsewhere().list(config));
    const ids = tuples.map(({ checkpoint }) => checkpoint.id);
    expect(ids.toSorted()).toEqual(chains.flat().toSorted());
    for (const chain of chains) {
      // Each writer's own checkpoints are in the order in which it put them.
      expect(ids.filter((id) => chain.includes(id)).toReversed()).toEqual(chain);
    }
    for (const { checkpoint, parentConfig } of tuples) {
      const { list, name } = checkpoint.channel_values as { list: string[]; name: string };
      expect(list).toEqual(list.map((_, index) => `${name} ${index} `.repeat(30)));
      expect(parentConfig === undefined).toBe(list.length === 1);
    }
    const documents = await database
      .documents("checkpoint")
      .find({ thread_id: "two-writers" })
      .toArray();
    const places = documents.map((document) => document["seq"] as number);
    expect(places.toSorted((a, b) => a - b)).toEqual(places.map((_, index) => index + 1));
    const latest = documents.find((document) => document["seq"] === documents.length);
    for (const saver of [...savers, database.openSaverElsewhere()]) {
      expect((await saver.getTuple(config))?.checkpoint.id).toBe(latest?.["checkpoint_id"]);
    }
  });

  it("put the same checkpoint once", async () => {
    const checkpoint = makeCheckpoint({ list: ["x".repeat(1_000)] });
    const config = threadConfig("same");
    await Promise.all(
      [...savers, ...savers, ...savers].map((saver) => putCheckpoint(saver, config, checkpoint)),
    );
    const tuples = await Array.fromAsync(database.openSaverElsewhere().list(config));
    expect(tuples.map((tuple) => tuple.checkpoint)).toEqual([checkpoint]);
  });
});

describe("many tasks writing at once", () => {
  it("lose none of 50 write sets", async () => {
    const config = await putCheckpoint(savers[0], threadConfig("tasks"), makeCheckpoint({ a: 1 }));
    const tasks = Array.from({ length: 50 }, (_, index) => `task-${index}`);
    await Promise.all(
      tasks.map((task, index) => savers[index % 2]!.putWrites(config, [["a", task]], task)),
    );
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.pendingWrites?.map(([task]) => task)).toEqual(tasks.toSorted());
  });

  it("store the same task's writes once", async () => {
    const config = await putCheckpoint(savers[0], threadConfig("task"), makeCheckpoint({ a: 1 }));
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        savers[index % 2]!.putWrites(
          config,
          [
            ["a", "same"],
            ["b", "same"],
          ],
          "task",
        ),
      ),
    );
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.pendingWrites).toEqual([
      ["task", "a", "same"],
      ["task", "b", "same"],
    ]);
  });
});

describe("many threads opened at once", () => {
  it("are each created once", async () => {
    const threads = Array.from({ length: 10 }, (_, index) => `thread-${index}`);
    await Promise.all(
      [...threads, ...threads, ...threads].map((threadId, index) =>
        putCheckpoint(savers[index % 2]!, threadConfig(threadId), makeCheckpoint({ threadId })),
      ),
    );
    for (const threadId of threads) {
      const tuples = await Array.fromAsync(savers[0].list(threadConfig(threadId)));
      expect(tuples).toHaveLength(3);
    }
  });
});
