import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient, type CommandStartedEvent } from "mongodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { age, type Age } from "./old-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** A saver with a database of its own on an old server, and the commands that it sends. */
async function openSaver(howOld: Age) {
  const client = age(new MongoClient(database.uri, { monitorCommands: true }), howOld);
  const own = temporaryDatabase(database.client);
  const commands: string[] = [];
  client.on("commandStarted", ({ commandName }: CommandStartedEvent) => commands.push(commandName));
  onTestFinished(async () => {
    await client.close();
    await own.drop();
  });
  const saver = new MongoDBSaver({ client, dbName: own.name });
  await saver.setup();
  const record = async (action: () => Promise<unknown>): Promise<string[]> => {
    commands.length = 0;
    await action();
    return [...commands];
  };
  return { saver, record };
}

describe.each<Age>([
  { isBefore8: false, cannotJoin: false },
  { isBefore8: true, cannotJoin: false },
  { isBefore8: false, cannotJoin: true },
  { isBefore8: true, cannotJoin: true },
])("on a server with %o", (howOld) => {
  it("put and putWrites take one command each, and getTuple one where the server can join", async () => {
    const { saver, record } = await openSaver(howOld);
    let config = await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    for (const length of [1, 2, 3]) {
      const list = Array.from({ length }, (_, index) => `item ${index} `.repeat(50));
      const checkpoint = makeCheckpoint({ list }, { versions: { list: length } });
      const put = await record(async () => {
        config = await putCheckpoint(saver, config, checkpoint);
      });
      expect(put).toEqual(["update"]);
      const writes = await record(() => saver.putWrites(config, [["list", ["x"]]], "task"));
      expect(writes).toEqual(["update"]);
      const read = await record(() => saver.getTuple(threadConfig("t")));
      expect(read).toEqual(howOld.cannotJoin ? ["find", "find"] : ["aggregate"]);
    }
  });

  it("a checkpoint comes back with its pending writes, by whichever commands", async () => {
    const { saver } = await openSaver(howOld);
    const checkpoint = makeCheckpoint({ list: ["item ".repeat(100)] });
    const config = await putCheckpoint(saver, threadConfig("t"), checkpoint);
    await saver.putWrites(config, [["list", ["x"]]], "task");
    for (const of of [config, threadConfig("t")]) {
      const tuple = await saver.getTuple(of);
      expect(tuple).toMatchObject({ checkpoint, pendingWrites: [["task", "list", ["x"]]] });
    }
    expect(await saver.getTuple(threadConfig("none"))).toBeUndefined();
  });
});
