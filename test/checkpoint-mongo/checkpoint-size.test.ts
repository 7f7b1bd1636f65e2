import {
  CheckpointTooLargeError,
  MongoDBSaver,
  type CheckpointSizeEvent,
  type MongoDBSaverSettings,
  type SaverEvent,
} from "@threadkeep/checkpoint-mongo";
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

function open(limits: MongoDBSaverSettings["onCheckpointSize"], serde?: SerializerProtocol) {
  const events: CheckpointSizeEvent[] = [];
  const onEvent = (event: SaverEvent) => {
    if (event.type === "checkpoint-size") events.push(event);
  };
  const settings = { dbName: database.name, onCheckpointSize: limits, onEvent };
  return {
    saver: new MongoDBSaver({ ...settings, client: asNewProcess(database.client) }, serde),
    events,
  };
}

/** A state whose channels take the given number of bytes, each stored in another way. */
function makeState(bytes: number) {
  return {
    text: "x".repeat(bytes - 2),
    list: ["y".repeat(bytes - 2)],
    map: { key: "z".repeat(bytes - 10) },
    tiny: 1,
  };
}

describe("a checkpoint over the hard limit", () => {
  it("is refused before anything is stored, and the largest channels are named", async () => {
    const { saver, events } = open({ hardLimitBytes: 30_000 });
    const fits = await putCheckpoint(saver, threadConfig("hard"), makeCheckpoint(makeState(9_990)));
    expect(events).toEqual([]);
    const stored = await database.readAll("hard");
    const state = { ...makeState(9_990), text: "x".repeat(10_100) };
    const put = saver.put(fits, makeCheckpoint(state, { versions: { text: 2 } }), makeMetadata(), {
      text: 2,
    });
    const error = (await put.catch((thrown: unknown) => thrown)) as CheckpointTooLargeError;
    expect(CheckpointTooLargeError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      code: "CHECKPOINT_TOO_LARGE",
      threadId: "hard",
      limitBytes: 30_000,
      bytes: 10_102 + 2 * 9_990 + 1,
    });
    expect(error.largestChannels[0]).toEqual({ channel: "text", bytes: 10_102 });
    expect(error.message).toContain("Nothing was stored.");
    expect(events).toMatchObject([{ limit: "hard", limitBytes: 30_000, bytes: error.bytes }]);
    expect(await database.readAll("hard")).toEqual(stored);
  });

  it("counts unchanged channels too, also those that this process has not seen before", async () => {
    const first = open(undefined).saver;
    const fits = await putCheckpoint(first, threadConfig("cold"), makeCheckpoint(makeState(9_990)));
    const versions = { tiny: 2 };
    const state = { ...makeState(9_990), tiny: 2 };
    const put = (saver: MongoDBSaver) =>
      saver.put(fits, makeCheckpoint(state, { versions }), makeMetadata(), versions);
    const known = open({ hardLimitBytes: 29_000 }).saver;
    await known.getTuple(fits);
    await expect(put(known)).rejects.toMatchObject({ bytes: 3 * 9_990 + 1 });
    await expect(put(open({ hardLimitBytes: 29_000 }).saver)).rejects.toMatchObject({
      bytes: 3 * 9_990 + 1,
    });
    await put(open({ hardLimitBytes: 30_000 }).saver);
  });

  it("is measured in the bytes of the user's serializer", async () => {
    const { saver } = open({ hardLimitBytes: 1_000 }, new JsonPlusSerializer());
    const put = (length: number) =>
      putCheckpoint(saver, threadConfig("serde"), makeCheckpoint({ a: "x".repeat(length) }));
    await put(998);
    await expect(put(999)).rejects.toMatchObject({ bytes: 1_001 });
  });
});

describe("a checkpoint over the soft limit", () => {
  it("is stored and reported once while a thread grows", async () => {
    const { saver, events } = open({ softLimitBytes: 15_000, hardLimitBytes: 100_000 });
    let config = threadConfig("soft");
    for (let step = 1; step <= 6; step += 1) {
      const list = Array.from({ length: step }, (_, index) => `${index}`.repeat(5_000));
      const checkpoint = makeCheckpoint({ list, other: 1 }, { versions: { list: step } });
      const changed = step === 1 ? { list: step, other: 1 } : { list: step };
      config = await saver.put(config, checkpoint, makeMetadata(), changed);
    }
    expect(events).toMatchObject([
      { limit: "soft", limitBytes: 15_000, bytes: 15_007, threadId: "soft" },
    ]);
    expect(events[0]!.largestChannels).toEqual([
      { channel: "list", bytes: 15_006 },
      { channel: "other", bytes: 1 },
    ]);
  });
});

it("limits that cannot work are refused", () => {
  for (const limits of [{ softLimitBytes: 2, hardLimitBytes: 1 }, { hardLimitBytes: -1 }]) {
    expect(() => open(limits)).toThrow(/onCheckpointSize/);
  }
});
