import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, inject, it } from "vitest";
import { connect } from "./connect.ts";
import { openSaver } from "./savers.ts";

const uri = inject("mongodbUri");
const admin = new MongoClient(uri);

afterAll(() => admin.close());

describe("a case without the client's bulkWrite", () => {
  it("runs on a server that says it is MongoDB 7.0 and refuses that command", async () => {
    await using own = temporaryDatabase(admin);
    const database = { uri, directUri: uri, name: own.name, clientBulkWrite: false };
    const client = await connect(database);
    const hello = await client.db(own.name).admin().command({ hello: 1 });
    expect(hello["maxWireVersion"]).toBe(21);
    const write = { namespace: `${own.name}.c`, name: "insertOne", document: {} } as const;
    await expect(client.bulkWrite([write])).rejects.toThrow("no command bulkWrite");
    await client.close();
  });

  it.each(["threadkeep", "official"] as const)("has the %s saver do without it", async (name) => {
    await using own = temporaryDatabase(admin);
    const database = { uri, directUri: uri, name: own.name, clientBulkWrite: false };
    await using open = await openSaver(name, database);
    const thread = { configurable: { thread_id: "t", checkpoint_ns: "" } };
    const checkpoint = {
      v: 4,
      id: "1ef4f797-8335-6428-8001-8a1503f9b875",
      ts: "2026-01-01T00:00:00.000Z",
      channel_values: { a: 1 },
      channel_versions: { a: 1 },
      versions_seen: {},
    };
    const metadata = { source: "loop", step: 0, parents: {} } as const;
    await open.saver?.put(thread, checkpoint, metadata, { a: 1 });
    const tuple = await open.saver?.getTuple(thread);
    expect(tuple?.checkpoint.channel_values).toEqual({ a: 1 });
  });
});
