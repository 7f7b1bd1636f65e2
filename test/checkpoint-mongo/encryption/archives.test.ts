import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  EncryptionKeyError,
  InvalidArchiveError,
  type MongoDBSaver,
  PlaintextRefusedError,
  ThreadNotFoundError,
  type MongoDBSaverSettings,
} from "@threadkeep/checkpoint-mongo";
import {
  archiveThreads,
  FileArchiveStore,
  importThread,
  streamThread,
} from "@threadkeep/checkpoint-mongo/archive";
import { migrate } from "@threadkeep/checkpoint-mongo/migrate";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readEverything } from "../langgraph-usage/read-everything.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { openOfficial } from "../migration/fill-official.ts";
import { useDatabase } from "../use-database.ts";
import { fillThread, makeNoise, WITH_BOTH, WITH_NEW, WITH_OLD } from "./encrypted-threads.ts";
import { isTelling, listLeaves, readLeaves } from "./read-leaves.ts";

const database = useDatabase();
const open = (settings: MongoDBSaverSettings = {}): MongoDBSaver =>
  database.openSaver({ encryption: WITH_OLD, ...settings });
let mark: string;
let threadId: string;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-sealed-"));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  mark = `SECRET-${makeNoise(20)}`;
  threadId = uuid6(0);
});

/** A thread with labels, metadata, a field of the config, and values stored in all ways. */
async function fill(saver: MongoDBSaver): Promise<void> {
  const config = await fillThread(saver, threadId, mark);
  const values = { inline: mark };
  const configured = { configurable: { ...config.configurable, customer: mark } };
  const last = await saver.put(configured, makeCheckpoint(values), makeMetadata({ note: mark }), {
    inline: 9,
  });
  await saver.putWrites(last, [["inline", makeNoise(3_300_000)]], "task-9");
  await saver.label(last, { name: `${mark} label` });
  await saver.threads.update(threadId, { metadata: { title: mark } });
}

async function exported(
  saver: MongoDBSaver,
  compression: "none" | "zstd" = "none",
): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(streamThread(saver, threadId, { compression })));
}

async function* chunked(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

/** What of all collections shows the mark, or is not encrypted. */
async function findTelling(isWanted?: (collection: string) => boolean): Promise<unknown[]> {
  const leaves = await Array.fromAsync(readLeaves(database.db, isWanted));
  return leaves.filter(([field, value]) => isTelling(field, value, mark));
}

const INDEXED: MongoDBSaverSettings = { indexedConfig: ["customer"] };

describe("an archive of an encrypted thread", () => {
  it("shows nothing of it, and reads the same once it is imported, under another id too", async () => {
    const saver = open(INDEXED);
    await fill(saver);
    const before = await readEverything(saver, threadId);
    for (const compression of ["none", "zstd"] as const) {
      const bytes = await exported(saver, compression);
      expect(bytes.includes(mark)).toBe(false);
      expect(bytes.includes("channel_versions")).toBe(false);
      const copy = uuid6(0);
      await importThread(saver, chunked(bytes), { threadId: copy });
      const after = JSON.stringify(await readEverything(open(INDEXED), copy));
      expect(after.replaceAll(copy, threadId)).toBe(JSON.stringify(before));
      expect((await open().verifyThread(copy)).damages).toEqual([]);
      const { threads } = await open(INDEXED).threads.search({ metadata: { title: mark } });
      expect(threads.map((one) => one.threadId).toSorted()).toContain(copy);
      expect(await saver.listLabels(copy)).toMatchObject([{ name: `${mark} label` }]);
    }
    await saver.deleteThread(threadId);
    await importThread(open(), chunked(await exportedOf(saver, before)));
    expect(await findTelling()).toEqual([]);
  });

  it("goes to a collection with data keys of its own, where it is found and goes on", async () => {
    const saver = open(INDEXED);
    await fill(saver);
    const before = await readEverything(saver, threadId);
    const elsewhere = { ...INDEXED, collectionPrefix: "elsewhere_", encryption: WITH_BOTH };
    const target = open(elsewhere);
    await importThread(target, chunked(await exported(saver), 7));
    expect(await readEverything(open(elsewhere), threadId)).toEqual(before);
    expect((await target.verifyThread(threadId)).damages).toEqual([]);
    const found = await Array.fromAsync(
      target.list(threadConfig(threadId), { filter: { note: mark } }),
    );
    expect(found).toHaveLength(4);
    const searched = await target.threads.search({ metadata: { title: mark } });
    expect(searched.threads).toMatchObject([{ threadId, metadata: { title: mark } }]);
    const last = before.latest!.config;
    const next = { configurable: { ...last.configurable, customer: mark } };
    await target.put(next, makeCheckpoint({ inline: "next" }), makeMetadata(), { inline: 10 });
    const byConfig = await target.threads.search({ config: { customer: mark } });
    expect(byConfig.threads).toMatchObject([{ threadId }]);
    expect(await findTelling()).toEqual([]);
  });

  it("is refused with the id of its key by a saver that lacks that, and nothing changes", async () => {
    await fill(open());
    const bytes = await exported(open());
    const target = uuid6(0);
    const savers: [MongoDBSaver, string][] = [
      [database.openSaver({ collectionPrefix: "plain_" }), "no-keys"],
      [open({ collectionPrefix: "other_", encryption: WITH_NEW }), "unknown-key"],
    ];
    for (const [saver, fault] of savers) {
      const error = await importThread(saver, chunked(bytes), { threadId: target }).catch(
        (reason: unknown) => reason as EncryptionKeyError,
      );
      expect(error).toMatchObject({ name: "EncryptionKeyError", fault, keyId: "old" });
      await expect(saver.threads.get(target)).resolves.toBeUndefined();
    }
  });

  it("that was changed, cut short, lengthened or put together anew is refused", async () => {
    await fill(open());
    const bytes = await exported(open());
    const header = bytes.indexOf("\n") + 1;
    const changed = Buffer.from(bytes);
    changed[header + 200]! ^= 1;
    const other = await exported(open());
    const bad = [
      changed,
      bytes.subarray(0, -1),
      // Without its last piece, which is empty.
      bytes.subarray(0, -33),
      Buffer.concat([bytes, Buffer.from("x")]),
      Buffer.concat([other.subarray(0, other.indexOf("\n") + 1), bytes.subarray(header)]),
      Buffer.from('{"sealed":{}}\n'),
      Buffer.from('{"sealed":nothing'),
    ];
    for (const archive of bad) {
      const imported = importThread(open(), chunked(archive), { threadId: `${threadId}-b` });
      await expect(imported).rejects.toThrow(InvalidArchiveError);
    }
    await expect(exportOf(`${threadId}-b`)).rejects.toThrow(ThreadNotFoundError);
  });
});

const exportOf = (id: string) => Array.fromAsync(streamThread(open(), id));

/** Exports a copy of the thread, which was deleted under its own id. */
async function exportedOf(
  saver: MongoDBSaver,
  { latest }: { readonly latest: unknown },
): Promise<Buffer> {
  expect(latest).toBeDefined();
  const { threads } = await saver.threads.search({ metadata: { title: mark } });
  const chunks = await Array.fromAsync(streamThread(saver, threads[0]!.threadId));
  await saver.deleteThread(threads[0]!.threadId);
  return Buffer.concat(chunks);
}

describe("an archive in clear text", () => {
  it("is refused by an encrypted saver, or with allowPlaintext encrypted when it comes in", async () => {
    const plain = database.openSaver({ ...INDEXED, collectionPrefix: "source_" });
    await fill(plain);
    const before = await readEverything(plain, threadId);
    const bytes = await exported(plain);
    await database.db.collection("source_threads").drop();
    const importing = importThread(open(INDEXED), chunked(bytes));
    await expect(importing).rejects.toThrow(PlaintextRefusedError);
    await expect(open().threads.get(threadId)).resolves.toBeUndefined();
    const allowing = { ...INDEXED, encryption: { ...WITH_OLD, allowPlaintext: true } };
    await importThread(open(allowing), chunked(bytes));
    const strict = open(INDEXED);
    expect(await readEverything(strict, threadId)).toEqual(before);
    expect((await strict.verifyThread(threadId)).damages).toEqual([]);
    for (const query of [{ metadata: { title: mark } }, { config: { customer: mark } }]) {
      const { threads } = await strict.threads.search(query);
      expect(threads).toMatchObject([{ threadId }]);
    }
    expect(await findTelling((name) => name !== "source_threads")).toEqual([]);
  });
});

describe("an archived thread of an encrypted saver", () => {
  it("lies encrypted in the archive store, comes back as it was, and is deleted with its copies", async () => {
    const archive = new FileArchiveStore(join(directory, threadId));
    const saver = open({ archive });
    await fill(saver);
    const before = await readEverything(saver, threadId);
    const archiving = () => archiveThreads(open({ archive }), { threadIds: [threadId] });
    expect(await archiving()).toMatchObject({ archived: [threadId] });
    const files = await readdir(join(directory, threadId), { recursive: true });
    for (const file of files) {
      const bytes = await readFile(join(directory, threadId, file)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(mark)).toBe(false);
    }
    // Its metadata is read and changed while it is away.
    const other = open({ archive });
    expect(await other.threads.get(threadId)).toMatchObject({ metadata: { title: mark } });
    await other.threads.update(threadId, { metadata: { more: mark } });
    expect(await findTelling()).toEqual([]);
    expect(await readEverything(open({ archive }), threadId)).toEqual(before);
    expect((await open().verifyThread(threadId)).damages).toEqual([]);
    expect(await open().threads.get(threadId)).toMatchObject({
      metadata: { title: mark, more: mark },
    });
    await archiving();
    const without = database.openSaver({ archive, encryption: WITH_NEW });
    await expect(without.getTuple(threadConfig(threadId))).rejects.toThrow(EncryptionKeyError);
    await open({ archive }).deleteThread(threadId);
    expect(await Array.fromAsync(archive.list())).toEqual([]);
    const keys = database.db.collection("threadkeep_keys");
    expect(await keys.countDocuments({ thread_id: threadId })).toBe(0);
  });
});

describe("migrate with an encrypted saver", () => {
  const official = openOfficial(database.client, database.name);
  const isOurs = (name: string) => !["checkpoints", "checkpoint_writes"].includes(name);

  it("encrypts what the official saver stored, and no collection of ours shows any of it", async () => {
    let config = threadConfig(threadId);
    for (let step = 0; step < 3; step += 1) {
      const values = { list: Array.from({ length: step + 1 }, () => mark.repeat(20)), text: mark };
      const metadata = makeMetadata({ step, note: mark });
      config = await putCheckpoint(official, config, makeCheckpoint(values), metadata);
    }
    await official.putWrites(config, [["text", mark]], "task");
    const reading = database.openSaver({ encryption: { ...WITH_OLD, allowPlaintext: true } });
    const before = await readEverything(reading, threadId);
    expect(before.listed).toHaveLength(3);
    // One thread that a saver goes on with first.
    const begun = uuid6(0);
    let first = await putCheckpoint(official, threadConfig(begun), makeCheckpoint({ text: mark }));
    first = await putCheckpoint(official, first, makeCheckpoint({ text: mark, list: [mark] }));
    await putCheckpoint(reading, first, makeCheckpoint({ text: "own", list: [mark, mark] }));
    const bothBefore = await readEverything(reading, begun);

    // While it goes on, too: what lies in the scratch collection is encrypted.
    const scratch: unknown[] = [];
    const collection = database.db.collection("threadkeep_migrating");
    const looking = setInterval(() => {
      void collection
        .find({}, { promoteBuffers: false })
        .toArray()
        .then((found) => scratch.push(...found));
    }, 2);
    const result = await migrate(open());
    clearInterval(looking);
    const leaves = [...listLeaves(scratch, "")];
    expect(leaves.length).toBeGreaterThan(0);
    expect(leaves.filter(([field, value]) => isTelling(field, value, mark))).toEqual([]);
    expect(result).toMatchObject({ threads: 2, migrated: 2, failed: [] });
    const strict = { checkpointCollectionName: "none", checkpointWritesCollectionName: "none" };
    expect(await readEverything(open(strict), threadId)).toEqual(before);
    expect(await readEverything(open(strict), begun)).toEqual(bothBefore);
    for (const id of [threadId, begun]) {
      expect((await open(strict).verifyThread(id)).damages).toEqual([]);
    }
    expect(await findTelling(isOurs)).toEqual([]);
    const keys = await database.db.collection("threadkeep_keys").distinct("thread_id");
    expect(keys.filter((id: string) => id.includes(":"))).toEqual([]);
  });
});
