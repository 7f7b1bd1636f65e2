import type { RunnableConfig } from "@langchain/core/runnables";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const segments = database.documents("segment");
const checkpoints = database.documents("checkpoint");

it("a list that grows step by step is one document, and all of its states come back", async () => {
  const saver = database.openSaver();
  const list = makeItems("item", 40);
  const configs = await putStates(saver, threadConfig("grows"), prefixesOf(list));
  expect(await segments.countDocuments({ thread_id: "grows" })).toBe(1);
  const elsewhere = database.openSaverElsewhere();
  for (const [index, config] of configs.entries()) {
    expect(await readList(elsewhere, config)).toEqual(list.slice(0, index + 1));
  }
  const listed = await Array.fromAsync(database.openSaverElsewhere().list(threadConfig("grows")));
  expect(listed.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual(
    prefixesOf(list).toReversed(),
  );
});

it("an item that is replaced is stored beside the others, not as a document of its own", async () => {
  const list = makeItems("item", 10);
  const edited = list.with(4, "edited ".repeat(60));
  const states = [list, edited, [...edited, "more ".repeat(60)], edited.toSpliced(2, 3)];
  const configs = await putStates(database.openSaver(), threadConfig("edited"), states);
  expect(await segments.countDocuments({ thread_id: "edited" })).toBe(1);
  const elsewhere = database.openSaverElsewhere();
  for (const [index, config] of configs.entries()) {
    expect(await readList(elsewhere, config)).toEqual(states[index]);
  }
});

it("two processes that append to the same list at once both keep what they appended", async () => {
  const savers = [database.openSaver(), database.openSaverElsewhere()];
  const start = makeItems("start", 3);
  const [fork] = await putStates(savers[0]!, threadConfig("at-once"), [start]);
  // Both know the list as it is now, and neither what the other appends.
  for (const saver of savers) await saver.getTuple(fork!);
  const branches = await Promise.all(
    savers.map(async (saver, index) => {
      const items = makeItems(`branch ${index}`, 5);
      const states = prefixesOf(items).map((added) => start.concat(added));
      return { states, configs: await putStates(saver, fork!, states) };
    }),
  );
  const reader = database.openSaver();
  for (const { states, configs } of branches) {
    for (const [index, config] of configs.entries()) {
      expect(await readList(reader, config)).toEqual(states[index]);
    }
  }
  expect((await reader.verifyThread("at-once")).damages).toEqual([]);
});

it("appends of a process that ended before its checkpoint do not get in the way", async () => {
  const start = makeItems("start", 3);
  const lost = "lost ".repeat(60);
  const [parent, child] = await putStates(database.openSaver(), threadConfig("ended"), [
    start,
    [...start, lost],
  ]);
  // As if the process had ended between the append and the checkpoint.
  await checkpoints.deleteOne({ checkpoint_id: child!.configurable!["checkpoint_id"] });
  await checkpoints.updateOne({ thread_id: "ended" }, { $set: { head: true } });
  const next = [...start, "next ".repeat(60)];
  const [other] = await putStates(database.openSaver(), parent!, [next]);
  expect(await readList(database.openSaverElsewhere(), other!)).toEqual(next);
  // The same step again finds its item there, and does not store it twice.
  const before = await sizeOf("ended");
  const [again] = await putStates(database.openSaverElsewhere(), parent!, [[...start, lost]]);
  expect(await sizeOf("ended")).toBe(before);
  expect(await readList(database.openSaver(), again!)).toEqual([...start, lost]);
  expect((await database.openSaver().verifyThread("ended")).damages).toEqual([]);
});

it("channels with the same content can change differently in one step", async () => {
  const saver = database.openSaver();
  const same = makeItems("same", 3);
  const first = makeCheckpoint({ a: same, b: same }, { versions: { a: 1, b: 1 } });
  const parent = await putCheckpoint(saver, threadConfig("channels"), first);
  const values = { a: [...same, "a".repeat(300)], b: [...same, "b".repeat(300)] };
  const second = makeCheckpoint(values, { versions: { a: 2, b: 2 } });
  const config = await putCheckpoint(saver, parent, second);
  const tuple = await database.openSaverElsewhere().getTuple(config);
  expect(tuple?.checkpoint.channel_values).toEqual(values);
});

it("a channel can start with the content of another one, and both can change differently", async () => {
  const saver = database.openSaver();
  const same = makeItems("same", 3);
  const config = threadConfig("taken-over");
  const parent = await putCheckpoint(saver, config, makeCheckpoint({ b: same }));
  // Another branch appends to the segment.
  const branch = makeCheckpoint({ b: [...same, "x".repeat(300)] }, { versions: { b: 2 } });
  await putCheckpoint(saver, parent, branch);
  const values = { a: same, b: [...same, "b".repeat(300)] };
  const child = makeCheckpoint(values, { versions: { a: 2, b: 2 } });
  const stored = await putCheckpoint(saver, parent, child);
  const tuple = await database.openSaverElsewhere().getTuple(stored);
  expect(tuple?.checkpoint.channel_values).toEqual(values);
});

it("a list that grows for long starts a new document every 128 kB", async () => {
  const list = Array.from({ length: 100 }, (_, index) => `${index} `.repeat(1_500));
  const config = threadConfig("long");
  const configs = await putStates(database.openSaver(), config, prefixesOf(list));
  const bytes = list.join("").length;
  const count = await segments.countDocuments({ thread_id: "long" });
  expect(count).toBeGreaterThan(bytes / 131_072);
  expect(count).toBeLessThan(1 + (1.2 * bytes) / 131_072);
  expect(await readList(database.openSaverElsewhere(), configs.at(-1)!)).toEqual(list);
});

it("two sweeps take nothing that was appended", async () => {
  const saver = database.openSaver();
  const list = makeItems("swept", 5);
  const configs = await putStates(saver, threadConfig("swept"), prefixesOf(list));
  await saver.sweep({ threadId: "swept", graceSeconds: 600 });
  expect(await saver.sweep({ threadId: "swept", graceSeconds: 600 })).toEqual({
    condemned: 0,
    removed: 0,
  });
  expect(await readList(database.openSaverElsewhere(), configs.at(-1)!)).toEqual(list);
});

function makeItems(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index} `.repeat(40));
}

function prefixesOf(list: readonly string[]): string[][] {
  return list.map((_, index) => list.slice(0, index + 1));
}

/** Puts a chain of checkpoints, one for each state of a list. */
async function putStates(
  saver: MongoDBSaver,
  start: RunnableConfig,
  states: readonly (readonly string[])[],
): Promise<RunnableConfig[]> {
  const configs: RunnableConfig[] = [];
  for (const list of states) {
    const parent = configs.at(-1) ?? start;
    const versions = { list: configs.length + 1 };
    configs.push(await putCheckpoint(saver, parent, makeCheckpoint({ list }, { versions })));
  }
  return configs;
}

async function readList(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values["list"];
}

async function sizeOf(threadId: string): Promise<number> {
  const [size] = await segments
    .aggregate<{ bytes: number }>([
      { $match: { thread_id: threadId } },
      { $group: { _id: null, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
    ])
    .toArray();
  return size!.bytes;
}
