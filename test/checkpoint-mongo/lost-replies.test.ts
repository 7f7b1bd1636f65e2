import { MongoDBSaver, type StorageUnavailableError } from "@threadkeep/checkpoint-mongo";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { MongoClient } from "mongodb";
import { expect, it, onTestFinished } from "vitest";
import { nameCommand, NetworkProxy } from "../network/network-proxy.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

it.for([
  ["the driver", true, 30_000],
  ["the saver", false, 30_000],
  ["the caller", false, 0],
] as const)(
  "what a lost reply hides is there once when %s repeats it",
  async ([who, retryWrites, deadlineMs], context) => {
    if (retryWrites) await requireFeature(context, "retryable writes");
    const threadId = `lost, repeated by ${who}`;
    const { saver, network } = await openThroughNetwork(retryWrites, deadlineMs);
    const states = [["a"], ["a", "b"], ["a", "b", "c"]].map((items) =>
      items.map((item) => `${item} `.repeat(200)),
    );
    await saver.setup();
    let config = threadConfig(threadId);
    for (const [index, list] of states.entries()) {
      const checkpoint = makeCheckpoint({ list }, { versions: { list: index + 1 } });
      const parent = config;
      config = await callTwice(network, deadlineMs, () => putCheckpoint(saver, parent, checkpoint));
      const child = config;
      for (const channel of ["list", "__resume__"]) {
        const writes: [string, unknown][] = [[channel, `${index}`]];
        await callTwice(network, deadlineMs, () => saver.putWrites(child, writes, channel));
      }
    }
    const reader = database.openSaver();
    const tuples = await Array.fromAsync(reader.list(threadConfig(threadId)));
    expect(tuples.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual(
      states.toReversed(),
    );
    expect(tuples.map(({ pendingWrites }) => pendingWrites)).toEqual(
      [2, 1, 0].map((index) => [
        ["__resume__", "__resume__", `${index}`],
        ["list", "list", `${index}`],
      ]),
    );
    const stored = await database.documents("segment").find({ thread_id: threadId }).toArray();
    // Nothing was appended twice.
    expect(stored.map(({ appends }) => appends as number)).toEqual([2]);
    expect(await database.documents("writes").countDocuments({ thread_id: threadId })).toBe(6);
    expect((await reader.verifyThread(threadId)).damages).toEqual([]);
  },
);

/** Calls while the first reply gets lost, and once more: whoever does not try again hears of it first. */
async function callTwice<T>(
  network: NetworkProxy,
  deadlineMs: number,
  call: () => Promise<T>,
): Promise<T> {
  const lost = network.loseReply(nameCommand("update"));
  const error: unknown = await call().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect((error as StorageUnavailableError | undefined)?.code).toBe(
    deadlineMs === 0 ? "STORAGE_UNAVAILABLE" : undefined,
  );
  await lost;
  return call();
}

async function openThroughNetwork(retryWrites: boolean, deadlineMs: number) {
  const network = await NetworkProxy.start(database.uri);
  const client = new MongoClient(network.uri, { retryWrites });
  onTestFinished(async () => {
    await client.close();
    await network[Symbol.asyncDispose]();
  });
  return {
    network,
    saver: new MongoDBSaver({ client, dbName: database.name, retry: { deadlineMs } }),
  };
}
