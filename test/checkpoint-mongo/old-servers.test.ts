import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import type { CommandStartedEvent } from "mongodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { disguise, type Server } from "./old-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** A saver with a database of its own on an old server, and the commands that it sends. */
async function openSaver(kind: Server) {
  const client = await connectThrough(database.uri, disguise(kind), { monitorCommands: true });
  const own = temporaryDatabase(database.client);
  const commands: string[] = [];
  client.on("commandStarted", ({ commandName }: CommandStartedEvent) => commands.push(commandName));
  onTestFinished(() => own.drop());
  const saver = new MongoDBSaver({ client, dbName: own.name });
  await saver.setup();
  const record = async (action: () => Promise<unknown>): Promise<string[]> => {
    commands.length = 0;
    await action();
    return [...commands];
  };
  return { saver, record };
}

describe.each<Server>([
  { isBefore8: false, isRouter: false },
  { isBefore8: true, isRouter: false },
  { isBefore8: false, isRouter: true },
  { isBefore8: true, isRouter: true },
])("on a server with %o", (kind) => {
  it("put and putWrites take one command each, and getTuple one, on a router two", async () => {
    const { saver, record } = await openSaver(kind);
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
      expect(read).toEqual(kind.isRouter ? ["find", "find"] : ["aggregate"]);
    }
  });

  it("a checkpoint comes back with its pending writes, by whichever commands", async () => {
    const { saver } = await openSaver(kind);
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
