import { Document } from "@langchain/core/documents";
import { HumanMessage } from "@langchain/core/messages";
import { PromptTemplate } from "@langchain/core/prompts";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import {
  ClassNotAllowedError,
  MongoDBCache,
  MongoDBStore,
  type CacheEvent,
  type SaverEvent,
} from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const ID = "langchain_core/prompts/prompt/PromptTemplate";
const allowedObjects = [ID];
const makeTemplate = () => PromptTemplate.fromTemplate("Hello {name}");

it("an object that could not be read is refused before anything is stored, with its class", async () => {
  const saver = database.openSaver();
  const config = threadConfig(uuid6(0), { checkpointId: uuid6(1) });
  const state = makeCheckpoint({ prompt: { deep: [makeTemplate()] } });
  const attempts = [
    () => saver.put(config, state, makeMetadata(), { prompt: 1 }),
    () => saver.put(config, makeCheckpoint(), makeMetadata({ prompt: makeTemplate() }), {}),
    () => saver.putWrites(config, [["prompt", makeTemplate()]], "task"),
  ];
  for (const attempt of attempts) {
    const error = await attempt().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "UNSERIALIZABLE_STATE" });
    expect(String(error)).toContain(`${ID}, which the option allowedObjects does not name`);
  }
  expect(await database.readAll(config.configurable!["thread_id"] as string)).toEqual([]);
});

it("an object of an allowed class comes back, but not through a saver that does not allow it", async () => {
  const saver = database.openSaver({ allowedObjects });
  const config = await putCheckpoint(
    saver,
    threadConfig(uuid6(0)),
    makeCheckpoint({ prompt: makeTemplate(), plain: new HumanMessage("x") }),
  );
  const tuple = await database.openSaver({ allowedObjects }).getTuple(config);
  const prompt = tuple?.checkpoint.channel_values["prompt"] as PromptTemplate;
  expect(await prompt.format({ name: "Ada" })).toBe("Hello Ada");

  const events: SaverEvent[] = [];
  const settings = {
    onCorruption: "fall-back" as const,
    onEvent: (event: SaverEvent) => events.push(event),
  };
  for (const other of [database.openSaver(settings), database.openSaverElsewhere(settings)]) {
    for (const read of [() => other.getTuple(config), () => Array.fromAsync(other.list(config))]) {
      const error = await read().catch((reason: unknown) => reason);
      expect(ClassNotAllowedError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ code: "CLASS_NOT_ALLOWED", classId: ID });
    }
  }
  // A read that failed is told of, but nothing was passed over.
  expect(events.filter(({ type }) => type !== "restore-failed")).toEqual([]);
});

it("pending writes hold no object that is not allowed", async () => {
  const saver = database.openSaver({ allowedObjects });
  const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint());
  await saver.putWrites(config, [["prompt", makeTemplate()]], "task");
  expect((await saver.getTuple(config))?.pendingWrites?.[0]?.[2]).toBeInstanceOf(PromptTemplate);
  await expect(database.openSaver().getTuple(config)).rejects.toThrow(ClassNotAllowedError);
});

it("a thread of the official saver is read by the same rule", async () => {
  const official = new OfficialSaver({
    client: database.client as unknown as ConstructorParameters<typeof OfficialSaver>[0]["client"],
    dbName: database.name,
  });
  const state = { plain: [new HumanMessage("x")] };
  const good = await official.put(threadConfig(uuid6(0)), makeCheckpoint(state), makeMetadata());
  expect((await database.openSaver().getTuple(good))?.checkpoint.channel_values).toEqual(state);
  const bad = await official.put(
    threadConfig(uuid6(0)),
    makeCheckpoint({ prompt: makeTemplate() }),
    makeMetadata(),
  );
  await expect(database.openSaver().getTuple(bad)).rejects.toThrow(ClassNotAllowedError);
  const read = await database.openSaver({ allowedObjects }).getTuple(bad);
  expect(read?.checkpoint.channel_values["prompt"]).toBeInstanceOf(PromptTemplate);
  await database.db.collection("checkpoints").deleteMany({});
});

it("a store and a cache apply the same rule", async () => {
  const { client, name: dbName } = database;
  const value = { prompt: makeTemplate(), at: new Map() };
  const store = new MongoDBStore({ client, dbName, allowedObjects });
  await store.put(["a"], "key", value);
  expect((await store.get(["a"], "key"))?.value["prompt"]).toBeInstanceOf(PromptTemplate);
  const other = new MongoDBStore({ client, dbName });
  await expect(other.get(["a"], "key")).rejects.toThrow(ClassNotAllowedError);
  await expect(other.search(["a"])).rejects.toThrow(ClassNotAllowedError);
  await expect(other.put(["a"], "other", value)).rejects.toThrow(ID);
  expect(await store.get(["a"], "other")).toBeNull();

  const events: CacheEvent[] = [];
  const onEvent = (event: CacheEvent) => events.push(event);
  const cache = new MongoDBCache({ client, dbName, allowedObjects, onEvent });
  await cache.set([{ key: [["n"], "k"], value }]);
  expect(await cache.get([[["n"], "k"]])).toHaveLength(1);
  expect(events).toEqual([]);
  const otherCache = new MongoDBCache({ client, dbName, onEvent });
  expect(await otherCache.get([[["n"], "k"]])).toEqual([]);
  await otherCache.set([{ key: [["n"], "l"], value }]);
  expect(events).toMatchObject([{ type: "unreadable-entry" }, { type: "refused-entry" }]);
});

it("messages and documents need no option", async () => {
  const saver = database.openSaver();
  const state = { a: [new HumanMessage("x"), new Document({ pageContent: "y" })] };
  const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint(state));
  const read = await database.openSaver().getTuple(config);
  expect(read?.checkpoint.channel_values).toEqual(state);
});
