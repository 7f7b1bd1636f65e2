import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** What an `update` command begins with in BSON: a text of this name. Other commands have other fields. */
const UPDATE = Buffer.from("\x02update\0");

it.for([true, false])(
  "a put whose reply was lost is there once when it is repeated (by the driver: %s)",
  async (retryWrites, context) => {
    if (retryWrites) await requireFeature(context, "retryable writes");
    const threadId = `lost-${retryWrites}`;
    const { saver, loseReply, countLost } = await openThroughProxy(retryWrites);
    const states = [["a"], ["a", "b"], ["a", "b", "c"]].map((items) =>
      items.map((item) => `${item} `.repeat(200)),
    );
    let config = threadConfig(threadId);
    for (const [index, list] of states.entries()) {
      const checkpoint = makeCheckpoint({ list }, { versions: { list: index + 1 } });
      const put = () => putCheckpoint(saver, config, checkpoint);
      loseReply();
      const first = await put().catch((error: unknown) => error);
      expect(first instanceof Error).toBe(!retryWrites);
      const stored = await put();
      loseReply();
      const write = () => saver.putWrites(stored, [["list", `${index}`]], "task");
      await write().catch(() => undefined);
      await write();
      config = stored;
    }
    expect(countLost()).toBe(2 * states.length);
    const reader = database.openSaver();
    const tuples = await Array.fromAsync(reader.list(threadConfig(threadId)));
    expect(tuples.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual(
      states.toReversed(),
    );
    expect(tuples.map(({ pendingWrites }) => pendingWrites)).toEqual(
      [2, 1, 0].map((index) => [["task", "list", `${index}`]]),
    );
    const stored = await database.documents("segment").find({ thread_id: threadId }).toArray();
    // Nothing was appended twice.
    expect(stored.map(({ appends }) => appends as number)).toEqual([2]);
    expect((await reader.verifyThread(threadId)).damages).toEqual([]);
  },
);

/** A saver that reaches the server by a proxy, which can lose the reply to an `update` command. */
async function openThroughProxy(retryWrites: boolean) {
  const { hostname, port, pathname, searchParams } = new URL(database.uri);
  let isDue = false;
  let lost = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    sockets.add(client).add(server);
    let isLost = false;
    client.on("data", (request) => {
      if (isDue && request.includes(UPDATE)) {
        isDue = false;
        isLost = true;
      }
      server.write(request);
    });
    server.on("data", (reply) => {
      if (!isLost) return client.write(reply);
      lost += 1;
      client.destroy();
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  searchParams.delete("replicaSet");
  const uri = `mongodb://127.0.0.1:${(proxy.address() as AddressInfo).port}${pathname}`;
  const client = new MongoClient(uri, { directConnection: true, retryWrites });
  onTestFinished(async () => {
    await client.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    saver: new MongoDBSaver({ client, dbName: database.name }),
    /** Loses the next one. */
    loseReply: () => {
      isDue = true;
    },
    countLost: () => lost,
  };
}
