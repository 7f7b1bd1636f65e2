import type { RunnableConfig } from "@langchain/core/runnables";
import {
  ERROR,
  INTERRUPT,
  MemorySaver,
  RESUME,
  uuid6,
  WRITES_IDX_MAP,
  type BaseCheckpointSaver,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

it("a read at the same time as a task's writes sees all of them or none", async () => {
  const writer = database.openSaver();
  const reader = database.openSaverElsewhere();
  await reader.setup();
  const counts = new Map<number, number>();
  for (let round = 0; round < 15; round += 1) {
    const config = await putCheckpoint(writer, threadConfig(uuid6(0)), makeCheckpoint());
    const progress = { storing: true };
    const stored = writer
      .putWrites(
        config,
        Array.from({ length: 6 }, (_, index) => [`channel${index}`, index]),
        "t",
      )
      .finally(() => {
        progress.storing = false;
      });
    while (progress.storing) {
      const { length } = (await reader.getTuple(config))!.pendingWrites!;
      counts.set(length, (counts.get(length) ?? 0) + 1);
    }
    await stored;
    counts.set(6, (counts.get(6) ?? 0) + (await reader.getTuple(config))!.pendingWrites!.length);
  }
  expect(new Set(counts.keys())).toEqual(new Set([0, 6]));
});

it("a task's writes are one document, however many", async () => {
  const threadId = uuid6(0);
  const saver = database.openSaver();
  const config = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
  await saver.putWrites(
    config,
    Array.from({ length: 50 }, (_, index) => ["channel", index]),
    "task",
  );
  const documents = await database.documents("writes").find({ thread_id: threadId }).toArray();
  expect(documents).toHaveLength(1);
  const { pendingWrites } = (await saver.getTuple(config))!;
  expect(pendingWrites!.map(([, , value]) => value)).toEqual(
    Array.from({ length: 50 }, (_, index) => index),
  );
});

it("a later call adds the positions that an earlier call of the task did not write", async () => {
  const saver = database.openSaver();
  const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint());
  await saver.putWrites(config, [["a", "first"]], "task");
  const more: [string, string][] = [
    ["a", "second"],
    [RESUME, "resumed"],
    ["b", "second"],
  ];
  await saver.putWrites(config, more, "task");
  await saver.putWrites(config, more, "task");
  expect((await database.openSaverElsewhere().getTuple(config))!.pendingWrites).toEqual([
    ["task", RESUME, "resumed"],
    ["task", "a", "first"],
    ["task", "b", "second"],
  ]);
});

it("writes of a task that were read may be stored once more, which changes nothing", async () => {
  const saver = database.openSaver();
  const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint());
  await saver.putWrites(
    config,
    [
      ["a", 1],
      ["b", 2],
      [ERROR, "failed"],
    ],
    "task",
  );
  const { pendingWrites } = (await saver.getTuple(config))!;
  const again = pendingWrites!.map(([, channel, value]): PendingWrite => [channel, value]);
  await saver.putWrites(config, again, "task");
  expect((await database.openSaverElsewhere().getTuple(config))!.pendingWrites).toEqual(
    pendingWrites,
  );
});

it("each position of a task is written once, as with MemorySaver, whatever calls share", async () => {
  const saver = database.openSaver();
  const channel = fc.constantFrom("a", "b", RESUME, INTERRUPT, ERROR);
  const calls = fc.array(fc.array(channel, { minLength: 1, maxLength: 4 }), {
    minLength: 2,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(calls, async (channels) => {
      const memory = new MemorySaver();
      const checkpoint = makeCheckpoint();
      const config = threadConfig(uuid6(0), { checkpointId: checkpoint.id });
      await putCheckpoint(saver, config, checkpoint);
      await putCheckpoint(memory, config, checkpoint);
      for (const [call, names] of channels.entries()) {
        const writes = names.map((name, position): PendingWrite => [name, `${call}.${position}`]);
        await saver.putWrites(config, writes, "task");
        await memory.putWrites(config, writes, "task");
      }
      expect(await listOrdinary(saver, config)).toEqual(await listOrdinary(memory, config));
    }),
    { numRuns: 40 },
  );
});

/** Which of several values of a special channel counts is another question. */
async function listOrdinary(
  saver: BaseCheckpointSaver,
  config: RunnableConfig,
): Promise<readonly string[]> {
  const { pendingWrites = [] } = (await saver.getTuple(config))!;
  const ordinary = pendingWrites.filter(([, name]) => !Object.hasOwn(WRITES_IDX_MAP, name));
  return ordinary.map(([, name, value]) => `${name} ${String(value)}`).toSorted();
}

it("a task's writes may be far larger than a document", async () => {
  const saver = database.openSaver();
  const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint());
  const values = [1, 2, 3].map((seed) => randomText(7_000_000, seed));
  await saver.putWrites(
    config,
    values.map((value) => ["channel", value]),
    "task",
  );
  const { pendingWrites } = (await database.openSaverElsewhere().getTuple(config))!;
  expect(pendingWrites!.map(([, , value]) => value === values.shift())).toEqual([true, true, true]);
});
