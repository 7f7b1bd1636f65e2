import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const segments = database.documents("segment");

it("a long text of which a part changes is stored as that part, and both states come back", async () => {
  const saver = database.openSaver();
  const text = randomText(2_000_000);
  const changed = `${text.slice(0, 700_000)}put in between 🙂${text.slice(700_000)}`;
  const first = await putCheckpoint(saver, threadConfig("text"), makeCheckpoint({ text }));
  const before = await countBytes("text");
  const child = makeCheckpoint({ text: changed }, { versions: { text: 2 } });
  const second = await putCheckpoint(saver, first, child);
  expect((await countBytes("text")) - before).toBeLessThan(before / 5);
  for (const [config, expected] of [
    [first, text],
    [second, changed],
  ] as const) {
    const tuple = await database.openSaverElsewhere().getTuple(config);
    expect(tuple?.checkpoint.channel_values["text"] === expected).toBe(true);
  }
  expect((await saver.verifyThread("text")).damages).toEqual([]);
});

it("a long value of any kind comes back, and a damaged chunk of it is named", async () => {
  const value = new Map([
    ["key", { date: new Date(0), text: randomText(300_000), list: [1n, -0] }],
  ]);
  const config = await putCheckpoint(
    database.openSaver(),
    threadConfig("value"),
    makeCheckpoint({ value }),
  );
  const read = () => database.openSaverElsewhere().getTuple(config);
  expect((await read())?.checkpoint.channel_values).toEqual({ value });
  await segments.deleteOne({ thread_id: "value" });
  await expect(database.openSaver().getTuple(threadConfig("value"))).rejects.toMatchObject({
    corruption: { document: "segment", found: "nothing" },
  });
});

it("a large value that a channel and a pending write both hold is read as either", async () => {
  const saver = database.openSaver();
  // The input is one segment, whatever its size; and this one is too large for a pending write.
  const input = randomBytes(8_600_000).toString("base64");
  const checkpoint = makeCheckpoint({ __start__: input });
  const config = await putCheckpoint(saver, threadConfig("both"), checkpoint);
  await saver.putWrites(config, [["text", input]], "task");
  expect(await segments.countDocuments({ thread_id: "both", part: 0 })).toBe(1);
  for (const reader of [saver, database.openSaverElsewhere()]) {
    const tuple = await reader.getTuple(config);
    expect(tuple?.checkpoint.channel_values["__start__"] === input).toBe(true);
    expect(tuple?.pendingWrites?.[0]?.[2] === input).toBe(true);
  }
});

async function countBytes(threadId: string): Promise<number> {
  const documents = await segments.find({ thread_id: threadId }).toArray();
  return documents.reduce((sum, { data }) => sum + (data as { position: number }).position, 0);
}
