import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import {
  CorruptCheckpointError,
  type MongoDBSaver,
  type MongoDBSaverSettings,
  type SaverEvent,
} from "@threadkeep/checkpoint-mongo";
import { Binary, type Collection, type Document } from "mongodb";
import { beforeEach, describe, expect, it } from "vitest";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

let threadId: string;
let configs: RunnableConfig[];

/** Five checkpoints, each adding a message, with two writes of one task after the last. */
beforeEach(async () => {
  threadId = uuid6(0);
  configs = await fill(newSaver(), threadId);
});

describe("a document that was changed is detected and named", () => {
  const checkpointChanges: Record<string, (document: Document) => Document> = {
    "the body": ({ body }) => ({ body: flip(body as Binary) }),
    "a truncated body": ({ body }) => ({ body: truncate(body as Binary) }),
    "the segments": ({ segments }) => ({ segments: flip(segments as Binary) }),
    "the metadata": ({ metadata }) => ({ metadata: { ...(metadata as object), step: 77 } }),
    "the hash": ({ hash }) => ({ hash: flip(hash as Binary) }),
    "the parent": () => ({ parent_checkpoint_id: uuid6(9) }),
    "the parent's hash": ({ parent_hash }) => ({ parent_hash: flip(parent_hash as Binary) }),
    "the place in the order": ({ seq }) => ({ seq: (seq as number) + 100 }),
  };
  it.each(Object.entries(checkpointChanges))("checkpoint: %s", async (_name, change) => {
    await changeOne(database.documents("checkpoint"), latest(), change);
    await expectCorrupt("checkpoint");
    expect(await damagedKinds()).toContain("checkpoint");
  });

  const writeChanges: Record<string, (document: Document) => Document> = {
    "a value": ({ writes }) => changeWrite(writes, ({ value }) => ({ value: flip(value) })),
    "a truncated value": ({ writes }) =>
      changeWrite(writes, ({ value }) => ({ value: truncate(value) })),
    "a channel": ({ writes }) => changeWrite(writes, () => ({ channel: "another" })),
    "a position": ({ writes }) => changeWrite(writes, () => ({ idx: 7 })),
    "one write less": ({ writes }) => ({ writes: (writes as Document[]).slice(0, 1) }),
    "another order": ({ writes }) => ({ writes: (writes as Document[]).toReversed() }),
    "the position of the set": () => ({ idx: 7 }),
    "the task": () => ({ task_id: "another" }),
    "the hash": ({ hash }) => ({ hash: flip(hash as Binary) }),
    "no hash": () => ({ hash: null }),
    "no writes": () => ({ writes: null }),
    "a text as value": ({ writes }) => changeWrite(writes, () => ({ value: "text" })),
    "no value": ({ writes }) => changeWrite(writes, () => ({ value: null })),
  };
  it.each(Object.entries(writeChanges))("write: %s", async (_name, change) => {
    await changeOne(database.documents("writes"), { thread_id: threadId, idx: 0 }, change);
    await expectCorrupt("write");
    expect(await damagedKinds()).toEqual(expect.arrayContaining(["write"]));
  });

  it("write: what it points to", async () => {
    await changeOne(
      database.documents("writes"),
      { thread_id: threadId, idx: 0 },
      ({ checkpoint }) => ({ checkpoint: flip(checkpoint as Binary) }),
    );
    expect(await damagedKinds()).toEqual(["write"]);
  });

  const segmentChanges: Record<string, (document: Document) => Document> = {
    "the data": ({ data }) => ({ data: flip(data as Binary) }),
    "truncated data": ({ data }) => ({ data: truncate(data as Binary) }),
    "the id": ({ segment }) => ({ segment: flip(segment as Binary) }),
    "another thread's": () => ({ thread_id: "another" }),
    "what was appended last": ({ more }) => changeLast(more, flip),
    "a truncated append": ({ more }) => changeLast(more, truncate),
    "one append less": ({ more }) => ({ more: (more as Binary[]).slice(0, -1) }),
    "appends in another order": ({ more }) => ({ more: (more as Binary[]).toReversed() }),
    "no appends": () => ({ more: [] }),
  };
  it.each(Object.entries(segmentChanges))("segment: %s", async (_name, change) => {
    const segments = database.documents("segment");
    await changeOne(segments, { thread_id: threadId }, change);
    await expectCorrupt("segment");
    expect(await damagedKinds()).toContain("segment");
  });
});

describe("a document that was removed is detected and named", () => {
  it("a segment", async () => {
    await database.documents("segment").deleteOne({ thread_id: threadId });
    await expectCorrupt("segment");
    expect(await damagedKinds()).toContain("segment");
  });

  it("the latest checkpoint", async () => {
    await database.documents("checkpoint").deleteOne(latest());
    await expectCorrupt("checkpoint");
    expect(await damagedKinds()).toContain("checkpoint");
  });

  it("a checkpoint in the middle, by verifyThread", async () => {
    const checkpoint_id = configs[2]!.configurable!["checkpoint_id"] as string;
    await database.documents("checkpoint").deleteOne({ checkpoint_id });
    expect(await newSaver().verifyThread(threadId)).toMatchObject({
      damages: [
        { document: "checkpoint", which: checkpoint_id, found: "nothing", checkpointNs: "" },
      ],
    });
  });
});

describe("a document that was put back or moved is detected and named", () => {
  it("a checkpoint that was rolled back to an earlier version of itself, by verifyThread", async () => {
    const checkpoints = database.documents("checkpoint");
    const saver = newSaver();
    const config = configs[2]!;
    const earlier = await checkpoints.findOne({
      checkpoint_id: config.configurable!["checkpoint_id"],
    });
    const tuple = await saver.getTuple(config);
    const metadata = { ...tuple!.metadata!, source: "update" as const };
    await saver.put(tuple!.parentConfig!, tuple!.checkpoint, metadata, {});
    const child = { ...emptyCheckpoint(), id: uuid6(1) };
    await saver.put(config, child, { source: "loop", step: 9, parents: {} }, {});
    await checkpoints.replaceOne({ _id: earlier!._id }, earlier!);
    expect(await damagedKinds()).toContain("checkpoint");
  });

  it("two checkpoints that changed places in the order", async () => {
    const checkpoints = database.documents("checkpoint");
    await checkpoints.updateOne({ thread_id: threadId, seq: 2 }, { $set: { seq: 99 } });
    await checkpoints.updateOne({ thread_id: threadId, seq: 3 }, { $set: { seq: 2 } });
    await checkpoints.updateOne({ thread_id: threadId, seq: 99 }, { $set: { seq: 3 } });
    await expect(newSaver().getTuple(configs[1]!)).rejects.toThrow(CorruptCheckpointError);
    expect(await damagedKinds()).toContain("checkpoint");
  });

  it("a checkpoint's body taken from another thread", async () => {
    const other = uuid6(0);
    await fill(newSaver(), other);
    const checkpoints = database.documents("checkpoint");
    const { body, hash, segments } = (await checkpoints.findOne({
      ...latest(),
      thread_id: other,
    }))!;
    await checkpoints.updateOne(latest(), { $set: { body, hash, segments } });
    await expectCorrupt("checkpoint");
  });

  it("a write taken from another checkpoint", async () => {
    const writes = database.documents("writes");
    const saver = newSaver();
    await saver.putWrites(configs[1]!, [["messages", "of another checkpoint"]], "task");
    const other = await writes.findOne({
      checkpoint_id: configs[1]!.configurable!["checkpoint_id"],
    });
    await writes.updateOne(
      { checkpoint_id: configs[4]!.configurable!["checkpoint_id"] },
      { $set: { writes: other!["writes"], hash: other!["hash"] } },
    );
    await expectCorrupt("write");
  });
});

describe('with onCorruption: "fall-back"', () => {
  it.each(["body", "segments", "parent_checkpoint_id", "hash"])(
    "getTuple returns the newest valid ancestor when %s of the latest is damaged, and reports it",
    async (field) => {
      await changeOne(database.documents("checkpoint"), latest(), (document) => ({
        [field]: field === "parent_checkpoint_id" ? uuid6(9) : flip(document[field] as Binary),
      }));
      await expectFallBack(3);
    },
  );

  it("getTuple returns the checkpoint before the items that are damaged", async () => {
    const segments = database.documents("segment");
    await changeOne(segments, { thread_id: threadId }, ({ more }) => changeLast(more, flip));
    await expectFallBack(3);
  });

  it.each(["hash", "writes"])(
    "getTuple returns the checkpoint before one whose pending writes have a damaged %s",
    async (field) => {
      const saver = newSaver();
      await saver.putWrites(configs[4]!, [["messages", "pending"]], "task");
      await database
        .documents("writes")
        .updateOne(
          { thread_id: threadId, checkpoint_id: configs[4]!.configurable!["checkpoint_id"] },
          { $set: { [field]: null } },
        );
      await expectFallBack(3);
    },
  );

  it("getTuple returns the checkpoint before several damaged ones", async () => {
    await database
      .documents("checkpoint")
      .updateMany({ thread_id: threadId, seq: { $gte: 3 } }, { $set: { hash: new Binary() } });
    await expectFallBack(1);
  });

  it("getTuple returns the last existing checkpoint when the latest is missing", async () => {
    await database.documents("checkpoint").deleteOne(latest());
    await expectFallBack(3);
  });

  it("the thread continues from the ancestor", async () => {
    await changeOne(database.documents("checkpoint"), latest(), ({ body }) => ({
      body: flip(body as Binary),
    }));
    const saver = newSaver({ onCorruption: "fall-back", onEvent: () => {} });
    const tuple = await saver.getTuple(thread(threadId));
    const next = await putNext(saver, tuple!.config, 5, "after the damage");
    expect((await newSaver().getTuple(thread(threadId)))?.config).toEqual(next);
  });

  it("getTuple throws when no ancestor is valid", async () => {
    await database
      .documents("checkpoint")
      .updateMany({ thread_id: threadId }, { $set: { hash: new Binary() } });
    const saver = newSaver({ onCorruption: "fall-back" });
    await expect(saver.getTuple(thread(threadId))).rejects.toThrow(CorruptCheckpointError);
  });

  it("list leaves damaged checkpoints out, and reports them", async () => {
    await changeOne(
      database.documents("checkpoint"),
      { thread_id: threadId, seq: 3 },
      ({ body }) => ({ body: flip(body as Binary) }),
    );
    const events: SaverEvent[] = [];
    const saver = newSaver({ onCorruption: "fall-back", onEvent: (event) => events.push(event) });
    const steps = [];
    for await (const tuple of saver.list(thread(threadId))) steps.push(tuple.metadata?.step);
    expect(steps).toEqual([4, 3, 1, 0]);
    expect(events).toMatchObject([{ type: "fall-back", returnedCheckpointId: undefined }]);
  });
});

it("verifyAfterSave reads back what was stored", async () => {
  const saver = newSaver({ verifyAfterSave: true });
  const [config] = await fill(saver, uuid6(0));
  await saver.putWrites(config!, [["messages", "x"]], "task");
  expect((await saver.getTuple(config!))?.pendingWrites).toHaveLength(1);
});

it("verifyAfterSave finds what the server did not keep", async () => {
  const saver = newSaver({ verifyAfterSave: true });
  const writes = database.documents("writes");
  // A damaged write of the same task is there already, and an ordinary write never replaces one.
  await saver.putWrites(configs[0]!, [["messages", "kept"]], "task");
  await writes.updateOne(
    { thread_id: threadId, checkpoint_id: configs[0]!.configurable!["checkpoint_id"] },
    { $set: { hash: new Binary() } },
  );
  await expect(saver.putWrites(configs[0]!, [["messages", "kept"]], "task")).rejects.toThrow(
    CorruptCheckpointError,
  );
});

it("verifyThread finds nothing wrong with an undamaged thread", async () => {
  expect(await newSaver().verifyThread(threadId)).toEqual({
    threadId,
    checkpoints: 5,
    segments: 1,
    writes: 2,
    orphanedSegments: 0,
    damages: [],
  });
});

/** A saver with nothing in memory. */
function newSaver(settings: MongoDBSaverSettings = {}): MongoDBSaver {
  return database.openSaver(settings);
}

function thread(id: string): RunnableConfig {
  return { configurable: { thread_id: id } };
}

function latest(): Document {
  return { thread_id: threadId, checkpoint_ns: "", head: true };
}

async function fill(saver: MongoDBSaver, id: string): Promise<RunnableConfig[]> {
  const filled: RunnableConfig[] = [];
  let config = thread(id);
  for (let step = 0; step < 5; step += 1) {
    config = await putNext(saver, config, step, `message ${step} `.repeat(40));
    filled.push(config);
  }
  await saver.putWrites(
    config,
    [
      ["messages", "a pending write ".repeat(20)],
      ["other", 1],
    ],
    "task",
  );
  return filled;
}

async function putNext(
  saver: MongoDBSaver,
  config: RunnableConfig,
  step: number,
  text: string,
): Promise<RunnableConfig> {
  const parent = await saver.getTuple(config);
  const earlier = (parent?.checkpoint.channel_values["messages"] ?? []) as unknown[];
  const versions = { messages: step + 1 };
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(step),
    channel_values: { messages: [...earlier, new HumanMessage({ content: text, id: `${step}` })] },
    channel_versions: versions,
  };
  const parentConfig = step === 0 ? config : parent!.config;
  return saver.put(parentConfig, checkpoint, { source: "loop", step, parents: {} }, versions);
}

async function changeOne(
  collection: Collection,
  filter: Document,
  change: (document: Document) => Document,
): Promise<void> {
  const document = await collection.findOne(filter);
  const { modifiedCount } = await collection.updateOne(
    { _id: document!._id },
    { $set: change(document!) },
  );
  expect(modifiedCount).toBe(1);
}

function changeWrite(
  writes: unknown,
  change: (write: { value: Binary }) => Document,
): { writes: Document[] } {
  const [first, ...rest] = writes as { value: Binary }[];
  return { writes: [{ ...first!, ...change(first!) }, ...rest] };
}

function changeLast(more: unknown, change: (part: Binary) => Binary): { more: Binary[] } {
  const parts = more as Binary[];
  return { more: [...parts.slice(0, -1), change(parts.at(-1)!)] };
}

function flip(binary: Binary): Binary {
  const bytes = Buffer.from(binary.buffer.subarray(0, binary.position));
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 1;
  return new Binary(bytes, binary.sub_type);
}

function truncate(binary: Binary): Binary {
  return new Binary(binary.buffer.subarray(0, binary.position - 3), binary.sub_type);
}

/** A saver with nothing in memory finds the damage, and says which kind of document it is in. */
async function expectCorrupt(document: string): Promise<void> {
  const error = await newSaver()
    .getTuple(thread(threadId))
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(CorruptCheckpointError);
  expect(error).toMatchObject({ code: "CORRUPT_CHECKPOINT", threadId, corruption: { document } });
}

async function damagedKinds(): Promise<string[]> {
  const { damages } = await newSaver().verifyThread(threadId);
  return damages.map(({ document }) => document);
}

async function expectFallBack(step: number): Promise<void> {
  const events: SaverEvent[] = [];
  const saver = newSaver({ onCorruption: "fall-back", onEvent: (event) => events.push(event) });
  const tuple = await saver.getTuple(thread(threadId));
  expect(tuple?.metadata?.step).toBe(step);
  expect(tuple?.config).toEqual(configs[step]);
  expect(events).toMatchObject([{ type: "fall-back", returnedCheckpointId: tuple?.checkpoint.id }]);
}
