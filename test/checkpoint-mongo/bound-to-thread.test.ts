import { INTERRUPT } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { CommandStartedEvent, Document, MongoClient } from "mongodb";
import { describe, expect, it } from "vitest";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { disguise } from "./old-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

// In a collection that is sharded by `thread_id`, a router sends such a command to one shard alone, and
// takes an upsert only if it is such a command.
describe("on a router, each command of a thread names it", () => {
  it("that reads", async () => {
    const looksLike = disguise({ isBefore8: false, isRouter: true });
    const router = await connectThrough(database.uri, looksLike, { monitorCommands: true });
    const saver = new MongoDBSaver({ client: router, dbName: database.name });
    const other = asNewProcess(router);
    const filters = await recordFilters(router, READING, async () => {
      const config = await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: ["x"] }));
      await saver.putWrites(config, [["a", 1]], "task");
      for (const reader of [saver, new MongoDBSaver({ client: other, dbName: database.name })]) {
        await reader.getTuple(threadConfig("t"));
        await reader.getTuple(config);
        await Array.fromAsync(reader.list(threadConfig("t")));
        await reader.getDeltaChannelHistory({ config, channels: ["a"] });
      }
      await saver.getTuple(threadConfig("t", { namespace: "none" }));
    });
    expect(filters.length).toBeGreaterThan(10);
    expect(filters.filter((filter) => !names(filter, "t"))).toEqual([]);
  });

  it("that writes", async () => {
    const filters = await recordFilters(database.client, WRITING, async () => {
      const saver = database.openSaver({ ttl: 3_600, persist: "exit" });
      const config = await putCheckpoint(saver, threadConfig("w"), makeCheckpoint({ a: ["x"] }));
      const writes = [
        ["a", 1],
        [INTERRUPT, { value: "sure?" }],
      ] satisfies [string, unknown][];
      await saver.putWrites(config, writes, "task");
      const list = { a: ["x", "long ".repeat(100)] };
      const child = makeCheckpoint(list, { versions: { a: 2 } });
      const next = await putCheckpoint(saver, config, child);
      // Once more, with other content.
      await saver.put(next, { ...child, channel_values: { a: [] } }, makeMetadata(), { a: 2 });
      // Another expiry.
      await database.openSaverElsewhere({ ttl: 60 }).putWrites(next, writes, "other task");
      await database.openSaver({ ttl: 60 }).putWrites(next, writes, "third task");
      await saver.putWrites(next, writes, "fourth task");
      await saver.deleteThread("w");
      await putCheckpoint(saver, threadConfig("w"), makeCheckpoint({ a: ["x"] }));
    });
    expect(filters.length).toBeGreaterThan(20);
    expect(filters.filter((filter) => !names(filter, "w"))).toEqual([]);
  });
});

/** Where commands have their filters. */
interface Command {
  readonly filter?: Document;
  readonly query?: Document;
  readonly pipeline?: readonly { readonly $match: Document }[];
  readonly updates?: readonly { readonly q: Document }[];
  readonly deletes?: readonly { readonly q: Document }[];
}

const READING: ReadonlySet<string> = new Set(["find", "aggregate"]);
const WRITING: ReadonlySet<string> = new Set(["update", "delete", "findAndModify"]);

/** The filters of the commands that an action sends. */
async function recordFilters(
  client: MongoClient,
  commands: ReadonlySet<string>,
  action: () => Promise<unknown>,
): Promise<Document[]> {
  const filters: Document[] = [];
  const record = ({ commandName, command }: CommandStartedEvent) => {
    if (commands.has(commandName)) filters.push(...readFilters(command));
  };
  client.on("commandStarted", record);
  await action();
  client.off("commandStarted", record);
  return filters;
}

function readFilters(command: Document): Document[] {
  const { filter, query, pipeline, updates, deletes }: Command = command;
  const changes = updates ?? deletes ?? [];
  const read = filter ?? query ?? pipeline?.[0]?.$match;
  return read === undefined ? changes.map(({ q }) => q) : [read];
}

/** A router sends an `$or` to the shards of its parts. */
function names(filter: Document, threadId: string): boolean {
  const parts = filter["$or"] as Document[] | undefined;
  return filter["thread_id"] === threadId || parts?.every((part) => names(part, threadId)) === true;
}
