import { uuid6 } from "@langchain/langgraph-checkpoint";
import { StateGraph, Annotation, START } from "@langchain/langgraph";
import { CorruptCheckpointError } from "@threadkeep/checkpoint-mongo";
import { createRuns } from "@threadkeep/checkpoint-mongo/runs";
import { Binary, type Document } from "mongodb";
import { describe, expect, it } from "vitest";
import { COLLECTION } from "../collection-name.ts";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { isTelling, listLeaves, readLeaves, SEALED } from "./read-leaves.ts";
import { fillThread, makeNoise, WITH_OLD } from "./encrypted-threads.ts";

const database = useDatabase();
const open = (more = {}) => database.openSaver({ encryption: { ...WITH_OLD, ...more } });
const documents = database.db.collection(COLLECTION);

describe("what an encrypted saver stores", () => {
  it("shows nothing of values, pending writes, metadata, labels, configs and runs", async () => {
    const mark = `SECRET-${makeNoise(20)}`;
    const saver = open({ searchable: ["tenant"] });
    const config = await fillThread(saver, uuid6(0), mark);
    const threadId = config.configurable!["thread_id"] as string;
    await saver.label(config, { name: `${mark} label` });
    await saver.threads.update(threadId, { metadata: { title: mark, tenant: "in clear" } });
    const configured = database.openSaver({ encryption: WITH_OLD, indexedConfig: ["customer"] });
    await configured.put(
      { configurable: { thread_id: uuid6(0), checkpoint_ns: "", customer: mark } },
      makeCheckpoint({ inline: mark }),
      makeMetadata(),
      { inline: 1 },
    );
    const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
      .addNode("fail", () => {
        throw new Error(mark);
      })
      .addEdge(START, "fail")
      .compile({ checkpointer: saver });
    const runs = createRuns({ saver, graphs: { graph } });
    const { runId } = await runs.start("graph", { text: mark }, { threadId: uuid6(0) });
    expect(await runs.get(runId)).toMatchObject({ status: "queued" });

    const leaves = await Array.fromAsync(readLeaves(database.db));
    expect(leaves.length).toBeGreaterThan(200);
    expect(leaves.filter(([field, value]) => isTelling(field, value, mark))).toEqual([]);
    // All of it comes back.
    const tuple = await open().getTuple(config);
    expect(tuple?.checkpoint.channel_values).toMatchObject({ inline: mark, value: new Date(2) });
    expect(tuple?.metadata).toMatchObject({ step: 2, note: mark, nested: { note: mark } });
    expect(tuple?.pendingWrites).toHaveLength(4);
    expect(await open().listLabels(threadId)).toMatchObject([{ name: `${mark} label` }]);
    expect(await open().threads.get(threadId)).toMatchObject({
      metadata: { title: mark, tenant: "in clear" },
      step: 2,
    });
    expect(await open().verifyThread(threadId)).toMatchObject({ damages: [] });
  });

  it("does not show that two threads, or two lives of one, hold the same", async () => {
    const saver = open();
    const [first, second] = [uuid6(0), uuid6(0)];
    const id = uuid6(0);
    const put = (threadId: string) =>
      saver.put(
        threadConfig(threadId),
        makeCheckpoint({ items: ["the same ".repeat(50)] }, { id }),
        makeMetadata(),
        { items: 1 },
      );
    await put(first);
    await put(second);
    const ofFirstLife = await documents.find({ thread_id: first }).toArray();
    await saver.deleteThread(first);
    await put(first);
    const others = await documents.find({ thread_id: { $in: [first, second] } }).toArray();
    const seen = new Set(ofFirstLife.flatMap(listContents));
    expect(seen.size).toBeGreaterThan(3);
    for (const content of others.flatMap(listContents)) expect(seen).not.toContain(content);
  });
});

/** What depends on contents: encrypted bytes and hashes. */
function listContents(document: Document): string[] {
  return [...listLeaves(document, "")].flatMap(([field, value]) =>
    value instanceof Binary && (value.sub_type === SEALED || field === "hash")
      ? [value.toString("hex")]
      : [],
  );
}

/** Everything that is encrypted: where it lies, and what to read for it. */
const PLACES: readonly (readonly [name: string, kind: string, path: string])[] = [
  ["a checkpoint's body", "checkpoint", "body"],
  ["the names of its segments", "checkpoint", "segments"],
  ["its metadata", "checkpoint", "metadata_encoded"],
  ["a segment's content", "segment", "data"],
  ["what was appended to a segment", "segment", "more.0"],
  ["a pending write", "writes", "writes.0.value"],
];

function readAt(document: Document, path: string): Binary {
  return path.split(".").reduce<Document>((at, key) => at[key] as Document, document) as Binary;
}

describe.each(PLACES)("%s", (_name, kind, path) => {
  const filter = (threadId: string) => ({
    thread_id: threadId,
    kind,
    [path]: { $exists: true },
    ...(kind === "checkpoint" && { head: true }),
    ...(kind === "writes" && { task_id: "task-1" }),
    ...(path === "data" && { more: { $exists: true } }),
  });
  const read = (document: Document): Binary => readAt(document, path);

  it("does not open in another thread, at another checkpoint or task, or in another field", async () => {
    const saver = open();
    const config = await fillThread(saver, uuid6(0), "text");
    const threadId = config.configurable!["thread_id"] as string;
    const elsewhere = await fillThread(saver, uuid6(0), "text");
    const own = (await documents.findOne(filter(threadId)))!;
    const foreign = [
      await documents.findOne(filter(elsewhere.configurable!["thread_id"] as string)),
      // Of the same thread, at another place.
      await documents.findOne({
        thread_id: threadId,
        kind,
        [path]: { $exists: true },
        _id: { $ne: own._id },
      }),
    ].flatMap((document) => document ?? []);
    const inOtherFields: Readonly<Record<string, readonly string[]>> = {
      checkpoint: ["body", "segments"],
      segment: ["segment"],
      writes: ["writes.1.value"],
    };
    const values = [
      ...foreign.map(read),
      ...(inOtherFields[kind] ?? []).map((other) => readAt(own, other)),
    ].filter((value) => value !== read(own));
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) {
      await documents.updateOne({ _id: own._id }, { $set: { [path]: value } });
      await expect(open().getTuple(config)).rejects.toThrow(CorruptCheckpointError);
      const { damages } = await open().verifyThread(threadId);
      expect(damages.length).toBeGreaterThan(0);
    }
    await documents.replaceOne({ _id: own._id }, own);
    expect(await open().getTuple(config)).toBeDefined();
  });

  it("is damaged if any of its bytes is changed, cut off or added", async () => {
    const saver = open();
    const config = await fillThread(saver, uuid6(0), "text");
    const threadId = config.configurable!["thread_id"] as string;
    const own = (await documents.findOne(filter(threadId)))!;
    const bytes = Buffer.from(read(own).buffer);
    const flip = (at: number) =>
      Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    const middle = Math.floor(bytes.length / 2);
    const changed = [
      ...[0, 1, middle, bytes.length - 1].map(flip),
      bytes.subarray(0, -1),
      bytes.subarray(0, 5),
      Buffer.alloc(0),
      Buffer.concat([bytes, Buffer.of(0)]),
    ];
    for (const value of changed) {
      await documents.updateOne({ _id: own._id }, { $set: { [path]: new Binary(value, SEALED) } });
      await expect(open().getTuple(config)).rejects.toThrow(CorruptCheckpointError);
    }
  });
});
