import type { RunnableConfig } from "@langchain/core/runnables";
import { InvalidAddressError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const INDEXED = { indexedConfig: ["tenant_id", "priority"] };
const saver = database.openSaver(INDEXED);

it("threads are found by the fields of the config of their latest put, with other conditions", async () => {
  for (let index = 0; index < 6; index += 1) {
    const tenant = index % 2 === 0 ? "even" : "odd";
    await putAs(saver, `t${index}`, { tenant_id: tenant, priority: index });
  }
  await saver.threads.update("t2", { metadata: { user: "ada" } });
  const find = async (search: Parameters<typeof saver.threads.search>[0]) => {
    const { threads } = await database.openSaver(INDEXED).threads.search(search);
    return threads.map(({ threadId }) => threadId).toSorted();
  };
  expect(await find({ config: { tenant_id: "even" } })).toEqual(["t0", "t2", "t4"]);
  expect(await find({ config: { tenant_id: "odd", priority: 3 } })).toEqual(["t3"]);
  expect(await find({ config: { tenant_id: "even" }, metadata: { user: "ada" } })).toEqual(["t2"]);
  expect(await find({ config: { tenant_id: "even" }, status: "idle", limit: 2 })).toHaveLength(2);
  expect(await find({ config: { tenant_id: "nobody" } })).toEqual([]);
  expect(await saver.threads.count({ config: { tenant_id: "even" } })).toBe(3);
  // The latest put counts.
  const latest = (await saver.getTuple(threadConfig("t0")))!.config;
  await putAs(saver, "t0", { tenant_id: "odd" }, latest);
  expect(await find({ config: { tenant_id: "even" } })).toEqual(["t2", "t4"]);
  expect((await database.openSaver().verifyThread("t0")).damages).toEqual([]);
});

it("a list finds checkpoints by them, and by metadata of the same name", async () => {
  const first = await putAs(saver, "list", { tenant_id: "a" });
  const second = await putAs(saver, "list", { tenant_id: "b" }, first);
  const third = await putCheckpoint(
    saver,
    second,
    makeCheckpoint({ list: [3] }),
    makeMetadata({ tenant_id: "a" }),
  );
  const list = async (reader: MongoDBSaver, filter: Record<string, unknown>) => {
    const tuples = await Array.fromAsync(reader.list(threadConfig("list"), { filter }));
    return tuples.map(({ config }) => config);
  };
  expect(await list(saver, { tenant_id: "a" })).toEqual([third, first]);
  expect(await list(saver, { tenant_id: "b", step: 0 })).toEqual([second]);
  expect(await list(saver, { tenant_id: { no: "scalar" } })).toEqual([]);
  expect(await list(database.openSaver(), { tenant_id: "a" })).toEqual([third]);
});

it("what is kept of the config is under the hash", async () => {
  const config = await putAs(saver, "hash", { tenant_id: "a" });
  const other = ['"tenant_id"string:b'];
  await database
    .documents("checkpoint")
    .updateOne({ thread_id: "hash" }, { $set: { config: other } });
  await expect(database.openSaver().getTuple(config)).rejects.toThrow(/hash/);
});

it("a value that cannot be searched by is refused before anything is stored", async () => {
  for (const value of [{ a: 1 }, ["a"], NaN, "x".repeat(2_000), "\ud800"]) {
    const error = await putAs(saver, "refused", { tenant_id: value }).catch((e: unknown) => e);
    expect(InvalidAddressError.isInstance(error)).toBe(true);
    expect((error as Error).message).toContain("configurable.tenant_id");
  }
  expect(await database.readAll("refused")).toEqual([]);
  await expect(saver.threads.search({ config: { other: "a" } })).rejects.toThrow(/indexedConfig/);
  for (const wrong of ["tenant_id", [""], ["a.b"], Array.from({ length: 9 }, (_, i) => `f${i}`)]) {
    expect(() => database.openSaver({ indexedConfig: wrong as never })).toThrow(/indexedConfig/);
  }
});

async function putAs(
  writer: MongoDBSaver,
  threadId: string,
  fields: Record<string, unknown>,
  parent: RunnableConfig = threadConfig(threadId),
): Promise<RunnableConfig> {
  const config = { configurable: { ...parent.configurable, ...fields } };
  return putCheckpoint(writer, config, makeCheckpoint({ list: [1] }));
}
