import { MongoDBStore } from "@threadkeep/checkpoint-mongo";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** Text that no compression makes shorter than three quarters. */
function makeText(megabytes: number): string {
  return randomBytes(megabytes * 750_000).toString("base64");
}

describe("what no document of the server can hold is refused with a typed error, and nothing is stored:", () => {
  it.each([
    ["metadata that a search can find", { text: makeText(9) }],
    ["metadata that is stored twice", { text: makeText(5), at: new Date(0) }],
    ["metadata of many small numbers", { numbers: Array.from({ length: 900_000 }, () => 1) }],
  ])("%s", async (name, extra) => {
    const saver = database.openSaver();
    const put = putCheckpoint(
      saver,
      threadConfig(name),
      makeCheckpoint({ list: ["x".repeat(1_000)] }),
      makeMetadata(extra),
    );
    await expect(put).rejects.toMatchObject({
      code: "CHECKPOINT_TOO_LARGE",
      message: expect.stringContaining("its metadata takes") as string,
    });
    expect(await database.readAll(name)).toEqual([]);
  });

  it("more pending writes of one task than a document can list", async () => {
    const saver = database.openSaver();
    const config = await putCheckpoint(saver, threadConfig("writes"), makeCheckpoint({ a: 1 }));
    const stored = await database.readAll("writes");
    const writes = Array.from({ length: 300_000 }, (_, at): [string, unknown] => [`c${at}`, at]);
    await expect(saver.putWrites(config, writes, "task")).rejects.toMatchObject({
      code: "CHECKPOINT_TOO_LARGE",
      message: expect.stringContaining("the list of the 300000 writes of task task") as string,
    });
    expect(await database.readAll("writes")).toEqual(stored);
  });

  it("a filter of a list", async () => {
    const list = database.openSaver().list({}, { filter: { text: makeText(20) } });
    await expect(Array.fromAsync(list)).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
  });

  it.each([
    ["in BSON", { text: makeText(17) }],
    ["in BSON and as text", { text: makeText(9), big: 1n }],
  ])("an item %s, with its whole batch", async (name, value) => {
    const store = new MongoDBStore({ client: database.client, dbName: database.name });
    const namespace = ["too large", name];
    const batch = store.batch([
      { namespace, key: "small", value: { a: 1 } },
      { namespace, key: "large", value },
    ]);
    await expect(batch).rejects.toMatchObject({
      code: "ITEM_TOO_LARGE",
      namespace,
      key: "large",
      limitBytes: 16 * 1_024 * 1_024 - 256 * 1_024,
    });
    expect(await store.get(namespace, "small")).toBeNull();
  });
});

it("metadata and items just below the limits are stored and come back", async () => {
  const saver = database.openSaver();
  const metadata = makeMetadata({ text: makeText(3), at: new Date(0) });
  const config = await putCheckpoint(saver, threadConfig("fits"), makeCheckpoint(), metadata);
  expect((await saver.getTuple(config))?.metadata).toEqual(metadata);
  const store = new MongoDBStore({ client: database.client, dbName: database.name });
  const value = { text: makeText(15) };
  await store.put(["fits"], "key", value);
  expect((await store.get(["fits"], "key"))?.value).toEqual(value);
});
