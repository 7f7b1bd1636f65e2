import type { RunnableConfig } from "@langchain/core/runnables";
import { CorruptCheckpointError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document, type UpdateFilter } from "mongodb";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const segments = database.documents("segment");

const START = makeItems("start", 3);
const GROWN = [...START, ...makeItems("grown", 1)];

it.each([
  ["is damaged", { $set: { "more.0": new Binary(Buffer.from("no deflate stream")) } }],
  ["is missing", { $set: { more: [] } }],
  ["is not counted", { $set: { appends: 0 } }],
] satisfies [string, UpdateFilter<Document>][])(
  "where what was appended later %s, a run continues from the checkpoint before it",
  async (what, damage) => {
    const [parent] = await putStates(threadConfig(what), [START, GROWN]);
    await segments.updateOne({ thread_id: what }, damage);
    const saver = database.openSaverElsewhere();
    expect(await readList(saver, parent!)).toEqual(START);
    const [child, grandchild] = await putStates(parent!, [GROWN, [...GROWN, "x"]], saver);
    const reader = database.openSaver();
    expect(await readList(reader, child!)).toEqual(GROWN);
    expect(await readList(reader, grandchild!)).toEqual([...GROWN, "x"]);
  },
);

it("a put that stores a damaged segment again repairs it", async () => {
  const config = threadConfig("mended");
  const [first] = await putStates(config, [START]);
  await segments.updateOne({ thread_id: "mended" }, { $set: { data: new Binary() } });
  const reader = database.openSaver();
  await expect(readList(reader, first!)).rejects.toThrow(CorruptCheckpointError);
  const [second] = await putStates(config, [START], database.openSaverElsewhere());
  expect(await readList(reader, second!)).toEqual(START);
  expect(await readList(reader, first!)).toEqual(START);
});

it("a put stores the whole value if the segment to append to is missing", async () => {
  const saver = database.openSaver();
  const [parent] = await putStates(threadConfig("gone"), [START], saver);
  await segments.deleteMany({ thread_id: "gone" });
  const [child] = await putStates(parent!, [GROWN], saver);
  expect(await readList(database.openSaver(), child!)).toEqual(GROWN);
  // Nothing is left of the append.
  expect(await segments.countDocuments({ thread_id: "gone" })).toBe(1);
  const [again] = await putStates(threadConfig("gone"), [START], database.openSaver());
  expect(await readList(database.openSaver(), again!)).toEqual(START);
});

it.each([
  ["no data", { $unset: { data: "" } }],
  ["a text as data", { $set: { data: "text" } }],
  ["a text as append", { $set: { "more.0": "text" } }],
] satisfies [string, UpdateFilter<Document>][])(
  "a segment with %s is detected and named",
  async (what, damage) => {
    const [, latest] = await putStates(threadConfig(what), [START, GROWN]);
    await segments.updateOne({ thread_id: what }, damage);
    const saver = database.openSaver();
    await expect(saver.getTuple(latest!)).rejects.toMatchObject({
      corruption: { document: "segment" },
    });
    expect((await saver.verifyThread(what)).damages).toContainEqual(
      expect.objectContaining({ document: "segment" }),
    );
  },
);

/** Puts a chain of checkpoints, one for each state of a list. */
async function putStates(
  start: RunnableConfig,
  states: readonly (readonly string[])[],
  saver: MongoDBSaver = database.openSaver(),
): Promise<RunnableConfig[]> {
  const configs: RunnableConfig[] = [];
  for (const list of states) {
    const versions = { list: configs.length + 1 };
    const checkpoint = makeCheckpoint({ list }, { versions });
    configs.push(await putCheckpoint(saver, configs.at(-1) ?? start, checkpoint));
  }
  return configs;
}

async function readList(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values["list"];
}

function makeItems(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index} `.repeat(40));
}
