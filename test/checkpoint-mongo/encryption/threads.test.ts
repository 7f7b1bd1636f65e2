import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import { PlaintextRefusedError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { CommandStartedEvent } from "mongodb";
import { describe, expect, it } from "vitest";
import { COLLECTION } from "../collection-name.ts";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { fillThread, WITH_OLD } from "./encrypted-threads.ts";

const database = useDatabase();
const open = (more = {}): MongoDBSaver =>
  database.openSaver({ encryption: { ...WITH_OLD, ...more } });
const documents = database.db.collection(COLLECTION);

/** What the file's client sends while something is done. */
async function recordSent(act: () => Promise<unknown>): Promise<string> {
  const sent: string[] = [];
  const record = ({ command }: CommandStartedEvent) => sent.push(JSON.stringify(command));
  database.client.on("commandStarted", record);
  try {
    await act();
  } finally {
    database.client.off("commandStarted", record);
  }
  return sent.join("\n");
}

describe("a filter of checkpoints", () => {
  it("finds equal values of encrypted metadata without showing them to the server", async () => {
    const saver = open({ searchable: ["rank"] });
    const threadId = uuid6(0);
    let config = threadConfig(threadId);
    for (const [step, user] of ["anna", "otto", "anna"].entries()) {
      const metadata = makeMetadata({ step, user, rank: step, deep: { user } });
      config = await saver.put(config, makeCheckpoint(), metadata, {});
    }
    const list = (filter: Record<string, unknown>) =>
      Array.fromAsync(open().list(threadConfig(threadId), { filter }));
    const sent = await recordSent(async () => {
      expect(await list({ user: "anna" })).toHaveLength(2);
      expect(await list({ user: "anna", step: 2 })).toHaveLength(1);
      expect(await list({ user: "nobody" })).toHaveLength(0);
      expect(await list({ deep: { user: "otto" } })).toHaveLength(1);
      expect(await list({ source: "loop" })).toHaveLength(3);
      expect(await list({ rank: 1 })).toHaveLength(1);
    });
    expect(sent).not.toMatch(/anna|otto|nobody|loop/);
    const stored = await documents
      .find<{ metadata?: unknown }>({ thread_id: threadId, kind: "checkpoint" })
      .sort({ seq: 1 })
      .toArray();
    expect(stored.map(({ metadata }) => metadata)).toEqual([{ rank: 0 }, { rank: 1 }, { rank: 2 }]);
    expect(await open().verifyThread(threadId)).toMatchObject({ damages: [] });
  });

  it("finds fields of the config, whose values are encrypted", async () => {
    const saver = database.openSaver({ encryption: WITH_OLD, indexedConfig: ["tenant"] });
    const threadId = uuid6(0);
    const config = { configurable: { ...threadConfig(threadId).configurable, tenant: "acme" } };
    await saver.put(config, makeCheckpoint(), makeMetadata(), {});
    const sent = await recordSent(async () => {
      const filter = { tenant: "acme" };
      expect(await Array.fromAsync(saver.list(threadConfig(threadId), { filter }))).toHaveLength(1);
      expect(await saver.threads.search({ config: filter })).toMatchObject({
        threads: [{ threadId }],
      });
      expect(await saver.threads.search({ config: { tenant: "other" } })).toMatchObject({
        threads: [],
      });
    });
    expect(sent).not.toMatch(/acme/);
  });
});

describe("a search of threads", () => {
  it("goes by equal values of encrypted metadata, and by ranges of what is in clear text", async () => {
    const saver = open({ searchable: ["rank"] });
    const ids = [uuid6(0), uuid6(0)];
    for (const [rank, threadId] of ids.entries()) {
      await saver.threads.create(threadId, {
        metadata: { rank, owner: `owner-${rank}`, tags: ["a"] },
      });
    }
    const sent = await recordSent(async () => {
      expect(await saver.threads.search({ metadata: { owner: "owner-1" } })).toMatchObject({
        threads: [{ threadId: ids[1], metadata: { rank: 1, owner: "owner-1", tags: ["a"] } }],
      });
      expect(await saver.threads.count({ metadata: { tags: ["a"] } })).toBe(2);
      expect(await saver.threads.count({ metadata: { rank: { $gte: 1 } } })).toBe(1);
    });
    expect(sent).not.toContain("owner-1");
    await expect(saver.threads.search({ metadata: { owner: { $gte: "o" } } })).rejects.toThrow(
      /metadata\.owner .* encryption\.searchable/s,
    );
    // Two that change it at once both come through.
    await Promise.all([
      open().threads.update(ids[0]!, { metadata: { one: 1 } }),
      open().threads.update(ids[0]!, { metadata: { two: 2 } }),
    ]);
    expect(await open().threads.get(ids[0]!)).toMatchObject({
      metadata: { rank: 0, one: 1, two: 2 },
    });
  });
});

describe("labels", () => {
  it("are unique in their namespace, listed and taken off by their names", async () => {
    const saver = open();
    const threadId = uuid6(0);
    const first = await saver.put(threadConfig(threadId), makeCheckpoint(), makeMetadata(), {});
    const second = await saver.put(first, makeCheckpoint(), makeMetadata(), {});
    await saver.label(first, { name: "before" });
    await expect(saver.label(second, { name: "before" })).rejects.toMatchObject({
      code: "LABEL_TAKEN",
    });
    await saver.label(second, { name: "after" });
    expect(await open().listLabels(threadId, { name: "before" })).toHaveLength(1);
    await open().rollback(threadId, { to: "before" });
    await open().removeLabel(threadId, "before");
    expect(await open().listLabels(threadId)).toMatchObject([{ name: "after" }]);
  });
});

describe("documents in clear text", () => {
  // What is encrypted lies before or after what is not, by the key of the thread.
  it.each([1, 2, 3, 4])(
    "are refused, whoever reads, and read with allowPlaintext; what is put then needs none of them (%i)",
    async () => {
      const plain = database.openSaver();
      const threadId = uuid6(0);
      const config = await fillThread(plain, threadId, "text");
      await plain.label(config, { name: "plain" });
      await plain.threads.update(threadId, { metadata: { owner: threadId } });
      for (const read of [
        () => open().getTuple(config),
        () => Array.fromAsync(open().list(threadConfig(threadId))),
        () => open().put(config, makeCheckpoint({ a: 1 }), makeMetadata(), { a: 1 }),
        () => open().verifyThread(threadId),
        () => open().threads.get(threadId),
        () => open().listLabels(threadId),
      ]) {
        await expect(read()).rejects.toThrow(PlaintextRefusedError);
      }
      const between = () => open({ allowPlaintext: true });
      const read = (await between().getTuple(config))!;
      expect(read.pendingWrites).toHaveLength(4);
      expect(await between().listLabels(threadId)).toMatchObject([{ name: "plain" }]);
      expect(await between().threads.search({ metadata: { owner: threadId } })).toMatchObject({
        threads: [{ threadId }],
      });
      const { channel_values: values } = read.checkpoint;
      const items = [...(values["items"] as string[]), "one more"];
      // Only one channel is new: all others have to be stored once more.
      const versions = { ...read.checkpoint.channel_versions, items: 9 };
      const next = await between().put(
        config,
        makeCheckpoint({ ...values, items }, { versions }),
        makeMetadata({ step: 3 }),
        { items: 9 },
      );
      await between().threads.update(threadId, { metadata: { more: 1 } });
      await between().removeLabel(threadId, "plain");
      expect(await between().verifyThread(threadId)).toMatchObject({ damages: [] });
      expect((await between().sweep({ threadId, graceSeconds: 600 })).removed).toBe(0);
      expect((await open().getTuple(next))?.checkpoint.channel_values).toEqual({
        ...values,
        items,
      });
      await between().prune([threadId], { strategy: "keep_latest" });
      expect(await between().verifyThread(threadId)).toMatchObject({ damages: [], checkpoints: 1 });
      expect((await open().getTuple(next))?.checkpoint.channel_values).toEqual({
        ...values,
        items,
      });
    },
  );

  it("of a single field are refused too: a checkpoint, a pending write, a segment", async () => {
    const config = await fillThread(open(), uuid6(0), "text");
    const threadId = config.configurable!["thread_id"] as string;
    for (const [kind, field, value] of [
      ["checkpoint", "body", Buffer.from("{}\n[]")],
      ["checkpoint", "metadata_encoded", "{}"],
      ["writes", "writes.0.value", Buffer.from("1")],
      ["segment", "data", Buffer.from("1")],
    ] as const) {
      const all = await documents.find({ thread_id: threadId, kind }).toArray();
      await documents.updateMany({ thread_id: threadId, kind }, { $set: { [field]: value } });
      await expect(open().getTuple(config)).rejects.toThrow(PlaintextRefusedError);
      for (const document of all) await documents.replaceOne({ _id: document._id }, document);
    }
    expect(await open().getTuple(config)).toBeDefined();
  });

  it("of the official saver are refused, and read with allowPlaintext", async () => {
    const official = new OfficialSaver({
      client: database.client as never,
      dbName: database.name,
    });
    const threadId = uuid6(0);
    const config = await official.put(
      threadConfig(threadId),
      makeCheckpoint({ text: "old" }),
      makeMetadata(),
    );
    await expect(open().getTuple(config)).rejects.toThrow(PlaintextRefusedError);
    await expect(Array.fromAsync(open().list(threadConfig(threadId)))).rejects.toThrow(
      PlaintextRefusedError,
    );
    const tuple = await open({ allowPlaintext: true }).getTuple(config);
    expect(tuple?.checkpoint.channel_values).toEqual({ text: "old" });
  });
});

describe("what changes the history of a thread", () => {
  it("keeps it whole: rollback, undo, fork, copy, prune, sweep, in other processes", async () => {
    const threadId = uuid6(0);
    const config = await fillThread(open(), threadId, "text");
    const before = await open().getTuple(config);
    await open().rollback(threadId, { to: { steps: 1 }, discard: true });
    await open().undoRollback(threadId);
    expect((await open().getTuple(threadConfig(threadId)))?.checkpoint.channel_values).toEqual(
      before!.checkpoint.channel_values,
    );
    const [forked, copied] = [uuid6(0), uuid6(0)];
    const branch = await open().fork(threadId, { from: { steps: 1 }, to: forked });
    await open().copyThread(threadId, copied);
    // The others do not need the key of the first.
    await open().deleteThread(threadId);
    for (const id of [forked, copied]) {
      expect(await open().verifyThread(id)).toMatchObject({ damages: [] });
    }
    expect((await open().getTuple(threadConfig(copied)))?.checkpoint.channel_values).toEqual(
      before!.checkpoint.channel_values,
    );
    expect(await open().getTuple(branch)).toBeDefined();
    await open().prune([copied], { strategy: "keep_latest" });
    await open().sweep({ threadId: copied });
    expect(await open().verifyThread(copied)).toMatchObject({ damages: [], checkpoints: 1 });
    expect((await open().getTuple(threadConfig(copied)))?.checkpoint.channel_values).toEqual(
      before!.checkpoint.channel_values,
    );
  });
});
