import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  InvalidArchiveError,
  InvalidOptionsError,
  ThreadArchivedError,
} from "@threadkeep/checkpoint-mongo";
import {
  archiveThreads,
  exportThread,
  FileArchiveStore,
  importThread,
  restoreThread,
  type ArchiveStore,
} from "@threadkeep/checkpoint-mongo/archive";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readEverything } from "../langgraph-usage/read-everything.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { runUntil } from "./cut-off.ts";
import { fillThread } from "./fill-thread.ts";
import { copyDirectory, rememberThread } from "./stored-thread.ts";
import { startS3, type S3Bucket } from "./s3-server.ts";

const database = useDatabase();
let directory: string;
let s3: S3Bucket;
let archive: ArchiveStore;
let threadId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-archive-"));
  s3 = await startS3();
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await s3[Symbol.asyncDispose]();
});
beforeEach(() => {
  threadId = uuid6(0);
  archive = new FileArchiveStore(join(directory, threadId));
});

const open = () => database.openSaver({ archive });
const keysIn = async (store: ArchiveStore) =>
  (await Array.fromAsync(store.list())).map(({ key }) => key);

describe("an archived thread", () => {
  it.each(["a directory", "S3"] as const)(
    "comes back as it was when it is read (%s)",
    async (where) => {
      if (where === "S3") archive = s3.openStore(`${threadId}/`);
      const saver = open();
      // One copy is sent in parts.
      await fillThread(saver, threadId, { isLarge: where === "S3" });
      const before = await readEverything(saver, threadId);
      const result = await archiveThreads(saver, { threadIds: [threadId] });
      expect(result).toMatchObject({ archived: [threadId], skipped: [] });
      const [copy, ...others] = await Array.fromAsync(archive.list());
      expect(others).toEqual([]);
      expect(copy!.bytes).toBe(result.bytes);
      // One checkpoint and the record stay.
      const left = await database.readAll(threadId);
      expect(left.map(({ kind }) => kind as string).toSorted()).toEqual(["checkpoint", "thread"]);

      expect(await open().getTuple(threadConfig(threadId))).toEqual(before.latest);
      expect(await readEverything(database.openSaver(), threadId)).toEqual(before);
      expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
      expect(await keysIn(archive)).toEqual([]);
      const [record] = await database.documents("thread").find({ thread_id: threadId }).toArray();
      expect(record).not.toHaveProperty("copies");
      expect(record).not.toHaveProperty("away");
    },
  );

  const uses: Record<string, (saver: ReturnType<typeof open>, id: string) => Promise<unknown>> = {
    "the latest checkpoint is read": (saver) => saver.getTuple(threadConfig(threadId)),
    "a checkpoint is read by its id": (saver, checkpointId) =>
      saver.getTuple(threadConfig(threadId, { checkpointId })),
    "its checkpoints are listed": (saver) => Array.fromAsync(saver.list(threadConfig(threadId))),
    "a checkpoint is put": (saver, checkpointId) =>
      putCheckpoint(saver, threadConfig(threadId, { checkpointId }), makeCheckpoint({ next: 1 })),
    "a pending write is put": (saver, checkpointId) =>
      saver.putWrites(threadConfig(threadId, { checkpointId }), [["text", "late"]], "task-9"),
    "its retention is set": (saver) => saver.setRetention(threadId, { pinned: true }),
    "it is restored": (saver) => restoreThread(saver, threadId),
  };

  it.each(Object.keys(uses))("comes back when %s", async (name) => {
    const saver = open();
    const config = await fillThread(saver, threadId);
    await archiveThreads(saver, { threadIds: [threadId] });
    // This saver and another one, which knows the thread as it was.
    const id = config.configurable!["checkpoint_id"] as string;
    const found = await uses[name]!(name.includes("put") ? saver : open(), id);
    expect(name.includes("read") ? found : "not asked for").toBeDefined();
    const listed = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
    expect(listed.length).toBe(name === "a checkpoint is put" ? 7 : 6);
    expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
  });

  it("is refused to a saver without the archive store, and nothing is changed", async () => {
    const config = await fillThread(database.openSaver(), threadId);
    await archiveThreads(open(), { threadIds: [threadId] });
    const before = await database.readAll(threadId);
    const id = config.configurable!["checkpoint_id"] as string;
    for (const use of [
      ...Object.values(uses),
      (saver: typeof open extends () => infer S ? S : never) => saver.deleteThread(threadId),
    ]) {
      const error = await use(database.openSaver(), id).catch((caught: unknown) => caught);
      expect(ThreadArchivedError.isInstance(error)).toBe(true);
    }
    const exporting = exportThread(database.openSaver(), threadId, join(directory, "x"));
    await expect(exporting).rejects.toThrow(ThreadArchivedError);
    expect(await database.readAll(threadId)).toEqual(before);
  });

  it("is found by searches, with its metadata, and may get other metadata", async () => {
    const saver = open();
    await fillThread(saver, threadId);
    await saver.threads.update(threadId, { metadata: { owner: threadId } });
    const before = (await saver.threads.get(threadId))!;
    await archiveThreads(saver, { threadIds: [threadId] });
    const search = { metadata: { owner: threadId }, status: "interrupted" } as const;
    const [found] = (await saver.threads.search(search)).threads;
    const { archivedAt, ...summary } = found!;
    expect(Date.now() - archivedAt!.getTime()).toBeLessThan(60_000);
    const { status, createdAt, updatedAt, metadata } = before;
    expect(summary).toMatchObject({ threadId, status, createdAt, updatedAt, metadata });
    expect(await saver.threads.get(threadId)).toMatchObject({ checkpoints: 7, status });
    await saver.threads.update(threadId, { metadata: { more: 1 } });
    await saver.getTuple(threadConfig(threadId));
    const after = (await saver.threads.get(threadId))!;
    expect(after).toEqual({
      ...before,
      bytes: after.bytes,
      updatedAt: after.updatedAt,
      metadata: { owner: threadId, more: 1 },
    });
    expect(after.archivedAt).toBeUndefined();
  });

  it("goes with its copy when it is deleted", async () => {
    for (const remove of ["deleteThread", "prune"] as const) {
      const saver = open();
      await fillThread(saver, threadId);
      await archiveThreads(saver, { threadIds: [threadId] });
      if (remove === "deleteThread") await saver.deleteThread(threadId);
      else await saver.prune([threadId], { strategy: "delete" });
      expect(await keysIn(archive)).toEqual([]);
      expect(await saver.getTuple(threadConfig(threadId))).toBeUndefined();
      const left = await database.readAll(threadId);
      expect(left.map(({ kind }) => kind as string)).toEqual(["thread"]);
    }
  });

  it("stays through a sweep and does not expire", async () => {
    const saver = database.openSaver({ archive, ttl: 1_000 });
    await fillThread(saver, threadId);
    const before = await readEverything(saver, threadId);
    await archiveThreads(saver, { threadIds: [threadId] });
    const left = await database.readAll(threadId);
    expect(left).toHaveLength(2);
    for (const document of left) expect(document).not.toHaveProperty("expires_at");
    await saver.sweep({ threadId });
    expect(await readEverything(saver, threadId)).toEqual(before);
    for (const document of await database.readAll(threadId)) {
      expect(document["expires_at"]).toBeInstanceOf(Date);
    }
  });

  it("can go and come again and again, also under another integrity key", async () => {
    const keys = { a: "a".repeat(32), b: "b".repeat(32) };
    const openWith = (currentKeyId: string) =>
      database.openSaver({ archive, witness: true, integrity: { keys, currentKeyId } });
    await fillThread(openWith("a"), threadId);
    const before = await readEverything(openWith("a"), threadId);
    for (const key of ["a", "b", "a"]) {
      const saver = openWith(key);
      expect((await archiveThreads(saver, { threadIds: [threadId] })).archived).toEqual([threadId]);
      expect(await readEverything(openWith("b"), threadId)).toEqual(before);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    }
  });

  it("comes back once though many read it at once", async () => {
    await fillThread(open(), threadId);
    await archiveThreads(open(), { threadIds: [threadId] });
    let gets = 0;
    const counting: ArchiveStore = {
      put: (key, content) => archive.put(key, content),
      get: (key) => {
        gets += 1;
        return archive.get(key);
      },
      delete: (key) => archive.delete(key),
      list: (prefix) => archive.list(prefix),
    };
    const savers = [1, 2, 3, 4].flatMap(() => [
      database.openSaver({ archive: counting }),
      database.openSaverElsewhere({ archive: counting }),
    ]);
    const read = await Promise.all(savers.map((saver) => saver.getTuple(threadConfig(threadId))));
    for (const tuple of read) expect(tuple?.checkpoint.channel_values["text"]).toBe("last");
    expect(gets).toBe(1);
    expect((await open().verifyThread(threadId)).damages).toEqual([]);
    expect(await keysIn(archive)).toEqual([]);
  });

  it("whose copy is damaged or gone stays archived, with a clear error", async () => {
    const saver = open();
    await fillThread(saver, threadId);
    const before = await readEverything(saver, threadId);
    await archiveThreads(saver, { threadIds: [threadId] });
    const [key] = await keysIn(archive);
    const path = join(directory, threadId, key!);
    const bytes = await readFile(path);
    const damaged = Buffer.from(bytes);
    damaged[Math.floor(damaged.byteLength / 2)]! ^= 0xff;
    for (const content of [damaged, bytes.subarray(0, -20), Buffer.from("{}\n"), undefined]) {
      if (content === undefined) await rm(path);
      else await writeFile(path, content);
      const error = await open()
        .getTuple(threadConfig(threadId))
        .catch((caught: unknown) => caught);
      expect(InvalidArchiveError.isInstance(error)).toBe(true);
      await expect(database.openSaver().getTuple(threadConfig(threadId))).rejects.toThrow(
        ThreadArchivedError,
      );
    }
    await writeFile(path, bytes);
    expect(await readEverything(open(), threadId)).toEqual(before);
  });
});

describe("archiving", () => {
  it("moves the threads of which nothing was stored for so long, and says which", async () => {
    const own = `cold-${threadId}`;
    const saver = database.openSaver({ archive, collectionPrefix: `${own}_` });
    for (const id of ["old-1", "old-2", "new"]) await fillThread(saver, id, { steps: 1 });
    for (const [id, days] of [
      ["old-1", 50],
      ["old-2", 40],
    ] as const) {
      const at = new Date(Date.now() - days * 86_400_000);
      await database.db
        .collection(`${own}_threads`)
        .updateMany({ thread_id: id, stands: { $exists: true } }, { $set: { "stands.at": at } });
    }
    const planned = await archiveThreads(saver, { olderThanDays: 30, dryRun: true });
    expect(planned).toEqual({ archived: ["old-1", "old-2"], skipped: [], bytes: 0 });
    expect(await keysIn(archive)).toEqual([]);
    const seen: string[] = [];
    const onProgress = (progress: { threadId: string }) => void seen.push(progress.threadId);
    const first = await archiveThreads(saver, { olderThanDays: 30, limit: 1, onProgress });
    expect(first.archived).toEqual(["old-1"]);
    const rest = await archiveThreads(saver, { olderThanDays: 30, onProgress });
    expect(rest.archived).toEqual(["old-2"]);
    expect(seen).toEqual(["old-1", "old-2"]);
    expect(await archiveThreads(saver, { olderThanDays: 30 })).toEqual({
      archived: [],
      skipped: [],
      bytes: 0,
    });
  });

  it("leaves a thread that is written to meanwhile, and loses nothing of it", async () => {
    const config = await fillThread(open(), threadId);
    const writer = database.openSaverElsewhere();
    await writer.getTuple(threadConfig(threadId));
    let put: unknown;
    const interfering: ArchiveStore = {
      put: async (key, content) => {
        await archive.put(key, content);
        put = await putCheckpoint(writer, config, makeCheckpoint({ next: 1 }));
      },
      get: (key) => archive.get(key),
      delete: (key) => archive.delete(key),
      list: (prefix) => archive.list(prefix),
    };
    const saver = database.openSaver({ archive: interfering });
    const result = await archiveThreads(saver, { threadIds: [threadId] });
    expect(result).toMatchObject({
      archived: [],
      skipped: [{ threadId, reason: "in-use" }],
    });
    expect((await saver.getTuple(threadConfig(threadId)))?.config).toEqual(put);
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    expect(await keysIn(archive)).toEqual([]);
  });

  it("loses nothing that a writer stored, however the two meet", async () => {
    let config = await fillThread(open(), threadId, { steps: 1 });
    const writer = database.openSaverElsewhere({ archive });
    const stop = new AbortController();
    let written = 0;
    const writing = (async () => {
      while (!stop.signal.aborted) {
        config = await putCheckpoint(writer, config, makeCheckpoint({ written }));
        written += 1;
        await sleep(Math.random() * 1_000, undefined, { signal: stop.signal }).catch(
          () => undefined,
        );
      }
    })();
    let archived = 0;
    for (let round = 0; round < 100 && archived < 2; round += 1) {
      const result = await archiveThreads(open(), { threadIds: [threadId] });
      archived += result.archived.length;
    }
    stop.abort();
    await writing;
    expect(archived).toBeGreaterThan(0);
    const saver = open();
    expect((await saver.getTuple(threadConfig(threadId)))?.config).toEqual(config);
    expect((await Array.fromAsync(saver.list(threadConfig(threadId)))).length).toBe(3 + written);
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    expect(await keysIn(archive)).toEqual([]);
  }, 60_000);

  it("does not remove what the archive store did not keep", async () => {
    await fillThread(open(), threadId);
    const losing: ArchiveStore = {
      put: async (key, content) => {
        const bytes = Buffer.concat(await Array.fromAsync(content));
        await archive.put(
          key,
          (async function* half() {
            yield bytes.subarray(0, bytes.byteLength / 2);
          })(),
        );
      },
      get: (key) => archive.get(key),
      delete: (key) => archive.delete(key),
      list: (prefix) => archive.list(prefix),
    };
    const saver = database.openSaver({ archive: losing });
    await expect(archiveThreads(saver, { threadIds: [threadId] })).rejects.toThrow(
      InvalidArchiveError,
    );
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    expect(await saver.getTuple(threadConfig(threadId))).toBeDefined();
    expect(await keysIn(archive)).toEqual([]);
  });

  it("leaves a damaged thread, an unknown one and one that is archived", async () => {
    const saver = open();
    const otherId = uuid6(1);
    await fillThread(saver, threadId);
    await fillThread(saver, otherId);
    await archiveThreads(saver, { threadIds: [otherId] });
    await database.documents("segment").deleteOne({ thread_id: threadId });
    const result = await archiveThreads(saver, { threadIds: [threadId, otherId, "unknown"] });
    expect(result).toEqual({
      archived: [],
      bytes: 0,
      skipped: [
        { threadId, reason: "damaged" },
        { threadId: otherId, reason: "archived" },
        { threadId: "unknown", reason: "not-found" },
      ],
    });
  });

  it("costs no command for a thread that is not archived", async () => {
    const newId = uuid6(2);
    const config = await fillThread(database.openSaver(), threadId);
    let task = 0;
    const count = (settings: Parameters<typeof database.openSaver>[0]) => {
      const saver = database.openSaver(settings);
      return database.recordCommands(async () => {
        await saver.getTuple(threadConfig(threadId));
        await saver.getTuple(config);
        await saver.getTuple(threadConfig(newId));
        await Array.fromAsync(saver.list(threadConfig(threadId)));
        await saver.putWrites(config, [["text", "x"]], `late-${(task += 1)}`);
      });
    };
    const [without, withArchive] = [await count({}), await count({ archive })];
    // Some of a start come in no order.
    expect(withArchive.toSorted()).toEqual(without.toSorted());
  });

  it("refuses to import over it", async () => {
    const saver = open();
    await fillThread(saver, threadId);
    const path = join(directory, `${threadId}.jsonl`);
    await exportThread(saver, threadId, path);
    await archiveThreads(saver, { threadIds: [threadId] });
    await expect(importThread(saver, path)).rejects.toThrow(/is here already/);
  });

  it("refuses wrong options", async () => {
    await expect(archiveThreads(open(), {})).rejects.toThrow(/olderThanDays/);
    await expect(archiveThreads(open(), { olderThanDay: 1 } as never)).rejects.toThrow(
      /did you mean/,
    );
    await expect(archiveThreads(database.openSaver(), { olderThanDays: 1 })).rejects.toThrow(
      InvalidOptionsError,
    );
    expect(() => database.openSaver({ archive: {} as never })).toThrow(
      /archive: expected an archive store/,
    );
  });
});

describe("a process that ends between any two steps", () => {
  it("of archiving leaves one whole thread, and no second copy once it is archived again", async () => {
    const places = new Set<string>();
    await fillSmall(threadId);
    const before = await readEverything(database.openSaver(), threadId);
    const stored = await rememberThread(database, threadId);
    for (let steps = 0; ; steps += 1) {
      await stored.putBack();
      const isDone = await runUntil(
        database,
        steps,
        (saver) => archiveThreads(saver, { threadIds: [threadId] }),
        { archive },
      );
      const [record] = await database.documents("thread").find({ thread_id: threadId }).toArray();
      places.add(record!["away"] === undefined ? "here" : "away");
      await open().sweep({ threadId });
      // It is read first, or written to.
      const isRead = steps % 2 === 0;
      const next = makeCheckpoint({ next: 1 });
      if (!isRead) await putCheckpoint(open(), before.latest!.config, next);
      const after = await readEverything(open(), threadId);
      expect(after.listed.slice(isRead ? 0 : 1)).toEqual(before.listed);
      expect(after.latest?.checkpoint.id).toBe(isRead ? before.latest!.checkpoint.id : next.id);
      expect((await open().verifyThread(threadId)).damages).toEqual([]);
      await archiveThreads(open(), { threadIds: [threadId] });
      expect(await keysIn(archive)).toHaveLength(1);
      expect((await readdir(join(directory, threadId), { recursive: true })).length).toBe(2);
      await open().deleteThread(threadId);
      expect(await keysIn(archive)).toEqual([]);
      if (isDone) break;
    }
    expect(places).toEqual(new Set(["here", "away"]));
  }, 180_000);

  it("of a restore leaves one whole thread, which the next one brings back", async () => {
    const places = new Set<string>();
    await fillSmall(threadId);
    const before = await readEverything(open(), threadId);
    await archiveThreads(open(), { threadIds: [threadId] });
    const stored = await rememberThread(database, threadId);
    const kept = join(directory, `${threadId}-kept`);
    await copyDirectory(join(directory, threadId), kept);
    for (let steps = 0; ; steps += 1) {
      await stored.putBack();
      await copyDirectory(kept, join(directory, threadId));
      const isDone = await runUntil(
        database,
        steps,
        (saver) => saver.getTuple(threadConfig(threadId)),
        { archive },
      );
      const threads = database.documents("thread");
      const [record] = await threads.find({ thread_id: threadId }).toArray();
      places.add(record!["away"] === undefined ? "here" : "away");
      if (record!["away"] !== undefined) await expectAway();
      // The others wait for the one that died no longer than they are told to.
      await threads.updateMany(
        { thread_id: threadId, arriving: { $exists: true } },
        { $set: { "arriving.until": new Date() } },
      );
      expect(await readEverything(open(), threadId)).toEqual(before);
      expect((await open().verifyThread(threadId)).damages).toEqual([]);
      await open().deleteThread(threadId);
      expect(await keysIn(archive)).toEqual([]);
      if (isDone) break;
    }
    expect(places).toEqual(new Set(["here", "away"]));
  }, 180_000);
});

/** The smallest thread of which anything could be lost: a child, a content of its own and a pending write. */
async function fillSmall(id: string): Promise<void> {
  const saver = database.openSaver();
  const text = "content ".repeat(60);
  const first = await putCheckpoint(saver, threadConfig(id), makeCheckpoint({ text }));
  const last = await putCheckpoint(
    saver,
    first,
    makeCheckpoint({ text }, { versions: { text: 2 } }),
  );
  await saver.putWrites(last, [["text", "late"]], "task");
}

/** Nobody takes the thread for a new one, or for half of one. */
async function expectAway(): Promise<void> {
  await expect(database.openSaver().getTuple(threadConfig(threadId))).rejects.toThrow(
    ThreadArchivedError,
  );
  expect((await open().verifyThread(threadId)).damages).toEqual([]);
  await database.openSaver().sweep({ threadId });
}
