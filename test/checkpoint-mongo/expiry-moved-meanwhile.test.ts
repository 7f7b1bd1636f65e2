import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { Document } from "mongodb";
import { afterEach, describe, expect, it } from "vitest";
import { ConnectionLost } from "../network/command-proxy.ts";
import { connectThrough } from "./connect-through.ts";
import { kindOf } from "./documents-of-kind.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { isSave, listUpdates, sendInParts } from "./send-in-parts.ts";
import { ServerTime } from "./server-time.ts";
import { useDatabaseThrough } from "./use-database.ts";

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);

afterEach(() => time.reset());

const HOUR = 3_600;
const SHARED = "x".repeat(500);

const CALLS = {
  put: (saver: MongoDBSaver, parent: RunnableConfig) => {
    // The shared value is stored already, but this process does not know that.
    const values = { again: SHARED, own: "y".repeat(500) };
    const versions = { again: 2, own: 2 };
    return saver.put(parent, makeCheckpoint(values, { versions }), makeMetadata(), versions);
  },
  putWrites: (saver: MongoDBSaver, parent: RunnableConfig) =>
    saver.putWrites(parent, [["list", SHARED]], "task"),
};

describe.each([
  { method: "put", before: "segment" },
  { method: "put", before: "checkpoint" },
  { method: "putWrites", before: "writes" },
] as const)(
  "a process that dies in $method, whose $before comes just after another one has moved the expiry,",
  ({ method, before }) => {
    it("leaves nothing that looks like damage", async () => {
      const threadId = uuid6(0);
      const parent = await fill(threadId);
      await dieOvertaken(threadId, before, (saver) => CALLS[method](saver, parent));
      expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
    });

    it("does not move back what had been stored before", async () => {
      const threadId = uuid6(0);
      const parent = await fill(threadId);
      // So all of it is there already, acknowledged.
      await CALLS[method](database.openSaverElsewhere({ ttl: HOUR }), parent);
      const expiries = async (): Promise<Document> => {
        const documents = await database.readAll(threadId);
        const parts = documents.filter(({ kind }) => kind !== "thread");
        return Map.groupBy(parts, ({ expires_at: date }) => (date as Date).getTime());
      };
      expect((await expiries())["size"]).toBe(1);
      await dieOvertaken(threadId, before, (saver) => CALLS[method](saver, parent));
      const late = (await expiries()) as ReadonlyMap<number, readonly Document[]>;
      const first = Math.min(...late.keys());
      const early = late.size === 1 ? [] : late.get(first)!;
      // Only the checkpoint of the call itself is new.
      expect(early.filter(({ kind }) => kind !== "checkpoint")).toEqual([]);
    });
  },
);

it("an expiry that the thread never had is still reported", async () => {
  const threadId = uuid6(0);
  await fill(threadId);
  time.passMinutes(40);
  await touch(threadId);
  const expires_at = new Date(time.nowMs + 1_000);
  await database.documents("segment").updateOne({ thread_id: threadId }, { $set: { expires_at } });
  const { damages } = await database.openSaver().verifyThread(threadId);
  expect(damages).toMatchObject([{ document: "segment", field: "expires_at" }]);
});

function fill(threadId: string): Promise<RunnableConfig> {
  const saver = database.openSaver({ ttl: HOUR });
  return putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list: [SHARED] }));
}

/** Writes to a thread, in another namespace. */
function touch(threadId: string): Promise<RunnableConfig> {
  const namespace = threadConfig(threadId, { namespace: "other" });
  return putCheckpoint(
    database.openSaverElsewhere({ ttl: HOUR }),
    namespace,
    makeCheckpoint({ a: 1 }),
  );
}

/** The call fails, since its process cannot reach the server any more after its first save. */
async function dieOvertaken(
  threadId: string,
  before: string,
  call: (saver: MongoDBSaver) => Promise<unknown>,
): Promise<void> {
  let saves = 0;
  const client = await connectThrough(database.uri, async (command, send) => {
    if (saves > 0 && !("hello" in command || "ismaster" in command)) throw new ConnectionLost();
    const at = isSave(command) ? listUpdates(command).findIndex((u) => kindOf(u) === before) : -1;
    if (at === -1) return send(command);
    const reply = await sendInParts(command, send, [at], async () => {
      time.passMinutes(40);
      await touch(threadId);
    });
    saves += 1;
    return reply;
  });
  const saver = new MongoDBSaver({
    client,
    dbName: database.name,
    ttl: HOUR,
    retry: { deadlineMs: 300 },
  });
  await expect(call(saver)).rejects.toThrow(/connection/i);
  expect(saves).toBe(1);
}
