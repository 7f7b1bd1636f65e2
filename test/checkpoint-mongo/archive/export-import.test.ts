import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  CorruptCheckpointError,
  IntegrityKeyError,
  InvalidOptionsError,
  ThreadNotEmptyError,
  ThreadNotFoundError,
} from "@threadkeep/checkpoint-mongo";
import { exportThread, importThread, streamThread } from "@threadkeep/checkpoint-mongo/archive";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readEverything, type Everything } from "../langgraph-usage/read-everything.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { fillThread } from "./fill-thread.ts";

const database = useDatabase();
let directory: string;
let threadId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-archive-"));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  threadId = uuid6(0);
});

/** A database of the same server in which nothing is. */
const elsewhere = { collectionPrefix: "elsewhere_" };

describe("an exported thread", () => {
  it.each(["none", "gzip", "zstd"] as const)(
    "reads the same where it is imported (compression: %s)",
    async (compression) => {
      const saver = database.openSaver();
      await fillThread(saver, threadId, { isLarge: compression === "none" });
      await saver.threads.update(threadId, { metadata: { user: "ada", $odd: 1 } });
      await saver.setRetention(threadId, { pinned: true });
      const path = join(directory, threadId);
      const exported = await exportThread(saver, threadId, path, { compression });
      expect(exported).toMatchObject({ threadId, checkpoints: 7, writes: 2 });
      expect((await readFile(path)).byteLength).toBe(exported.bytes);

      const other = database.openSaver(elsewhere);
      const imported = await importThread(other, path);
      const { checkpoints, writes, segments, bytes } = exported;
      const counts = { checkpoints, writes, segments, bytes };
      expect(imported).toEqual({ threadId, sourceThreadId: threadId, ...counts });
      expect(await readEverything(other, threadId)).toEqual(await readEverything(saver, threadId));
      expect((await other.verifyThread(threadId)).damages).toEqual([]);
      const before = (await saver.threads.get(threadId))!;
      const after = (await other.threads.get(threadId))!;
      expect(after).toEqual({ ...before, bytes: after.bytes });
      const [found] = (await other.threads.search({ metadata: { user: "ada" }, ids: [threadId] }))
        .threads;
      expect(found?.status).toBe("interrupted");
    },
  );

  it("is another thread under another id, beside the first and independent of it", async () => {
    const saver = database.openSaver();
    const config = await fillThread(saver, threadId);
    const copyId = `${threadId}-copy`;
    const imported = await importThread(saver, streamThread(saver, threadId), { threadId: copyId });
    expect(imported).toMatchObject({ threadId: copyId, sourceThreadId: threadId });
    const renamed = rename(await readEverything(saver, threadId), threadId, copyId);
    expect(await readEverything(saver, copyId)).toEqual(renamed);
    await saver.deleteThread(threadId);
    expect((await saver.verifyThread(copyId)).damages).toEqual([]);
    const { configurable } = config;
    const copy = { configurable: { ...configurable, thread_id: copyId } };
    const next = await putCheckpoint(saver, copy, makeCheckpoint({ text: "next" }));
    expect((await saver.getTuple(next))?.parentConfig).toEqual(copy);
    expect((await saver.verifyThread(copyId)).damages).toEqual([]);
  });

  it("goes on after the import, by the same saver and by others", async () => {
    const saver = database.openSaver({ witness: true, ttl: 1_000 });
    const config = await fillThread(saver, threadId);
    const copyId = `${threadId}-copy`;
    await importThread(saver, streamThread(saver, threadId), { threadId: copyId });
    const { configurable } = config;
    let copy = { configurable: { ...configurable, thread_id: copyId } } as typeof config;
    copy = await putCheckpoint(saver, copy, makeCheckpoint({ text: "next" }));
    const other = database.openSaverElsewhere({ witness: true, ttl: 1_000 });
    await putCheckpoint(other, copy, makeCheckpoint({ text: "after that" }));
    expect((await saver.verifyThread(copyId)).damages).toEqual([]);
    expect((await saver.getTuple(threadConfig(copyId)))?.checkpoint.channel_values).toEqual({
      text: "after that",
    });
  });

  it("can be deleted and imported again, as often as one likes", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const before = await readEverything(saver, threadId);
    const archive = await collect(streamThread(saver, threadId));
    for (let round = 0; round < 3; round += 1) {
      await saver.deleteThread(threadId);
      await importThread(database.openSaver(), once(archive));
      expect(await readEverything(saver, threadId)).toEqual(before);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    }
  });

  it("is lines of JSON, whatever the compression, and goes to any stream", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const plain = await collect(streamThread(saver, threadId));
    const lines = plain.toString().trimEnd().split("\n");
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty("hash");
    const stream = new PassThrough();
    const chunks = collect(stream);
    await exportThread(saver, threadId, stream, { compression: "gzip" });
    expect(
      gunzipSync(await chunks)
        .toString()
        .split("\n"),
    ).toHaveLength(lines.length + 1);
    const web = new TransformStream<Uint8Array, Uint8Array>();
    const fromWeb = collect(web.readable as AsyncIterable<Uint8Array>);
    await exportThread(saver, threadId, web.writable, { compression: "zstd" });
    expect(
      zstdDecompressSync(await fromWeb)
        .toString()
        .split("\n"),
    ).toHaveLength(lines.length + 1);
  });

  it("holds a whole thread though others write to it meanwhile", async () => {
    const saver = database.openSaver();
    let config = await fillThread(saver, threadId);
    const writer = database.openSaverElsewhere();
    config = await putCheckpoint(writer, config, makeCheckpoint({ text: "first" }));
    const path = join(directory, threadId);
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted)
        config = await putCheckpoint(writer, config, makeCheckpoint({ text: uuid6(1) }));
    })();
    for (let round = 0; round < 3; round += 1) {
      const exported = await exportThread(saver, threadId, path);
      expect(exported.checkpoints).toBeGreaterThanOrEqual(7);
      const copyId = `${threadId}-${round}`;
      await importThread(saver, path, { threadId: copyId });
      const copy = await saver.getTuple(threadConfig(copyId));
      const original = await saver.getTuple(
        threadConfig(threadId, { checkpointId: copy!.checkpoint.id }),
      );
      expect(copy!.checkpoint).toEqual(original!.checkpoint);
      expect((await saver.threads.get(copyId))!.status).toBe("idle");
    }
    stop.abort();
    await writing;
  });

  it("keeps the marks of what was pruned", async () => {
    const saver = database.openSaver();
    let config = threadConfig(threadId);
    for (let step = 0; step < 6; step += 1) {
      config = await putCheckpoint(saver, config, makeCheckpoint({ step }, { id: uuid6(step) }));
    }
    await saver.prune([threadId], { strategy: "keep_last", count: 2 });
    const copyId = `${threadId}-copy`;
    await importThread(saver, streamThread(saver, threadId), { threadId: copyId });
    expect((await saver.verifyThread(copyId)).damages).toEqual([]);
    expect((await readEverything(saver, copyId)).listed).toHaveLength(2);
  });

  it("of a damaged thread is no archive, and leaves no file", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const segments = database.documents("segment");
    await segments.deleteOne({ thread_id: threadId });
    const path = join(directory, threadId);
    const error = await exportThread(saver, threadId, path).catch((caught: unknown) => caught);
    expect(CorruptCheckpointError.isInstance(error)).toBe(true);
    expect((await readdir(directory)).filter((name) => name.startsWith(threadId))).toEqual([]);
  });
});

describe("integrity keys", () => {
  const keyed = { integrity: { keys: { a: "a".repeat(32) }, currentKeyId: "a" } };
  const rotated = {
    integrity: { keys: { a: "a".repeat(32), b: "b".repeat(32) }, currentKeyId: "b" },
  };

  it("hold in an archive, and the importing saver hashes with its current one", async () => {
    const saver = database.openSaver(keyed);
    await fillThread(saver, threadId);
    const archive = await collect(streamThread(saver, threadId));
    await saver.deleteThread(threadId);
    const importing = database.openSaver(rotated);
    await importThread(importing, once(archive));
    const stored = await database.documents("checkpoint").find({ thread_id: threadId }).toArray();
    expect(stored).toHaveLength(7);
    for (const { key_name: name } of stored) expect(name).toMatch(/^b:/);
    expect((await importing.verifyThread(threadId)).damages).toEqual([]);
  });

  it("refuse an archive of another key or of none, and a saver without the key", async () => {
    await fillThread(database.openSaver(keyed), threadId);
    const archive = await collect(streamThread(database.openSaver(keyed), threadId));
    const plainId = uuid6(1);
    await fillThread(database.openSaver(), plainId);
    const plain = await collect(streamThread(database.openSaver(), plainId));
    const other = { integrity: { key: "c".repeat(32) } };
    for (const [settings, bytes] of [
      [{}, archive],
      [other, archive],
      [keyed, plain],
    ] as const) {
      const importing = importThread(
        database.openSaver({ ...settings, ...elsewhere }),
        once(bytes),
      );
      const error = await importing.catch((caught: unknown) => caught);
      expect(IntegrityKeyError.isInstance(error)).toBe(true);
    }
    expect(await database.openSaver(elsewhere).getTuple(threadConfig(threadId))).toBeUndefined();
    expect(await database.openSaver(elsewhere).getTuple(threadConfig(plainId))).toBeUndefined();
  });
});

describe("bad arguments", () => {
  it("are refused before anything is done", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const path = join(directory, threadId);
    await writeFile(path, "as it was");
    const bad: (() => Promise<unknown>)[] = [
      () => exportThread(saver, threadId, undefined as never),
      () => exportThread(saver, threadId, ""),
      () => exportThread(saver, threadId, path, { compression: "brotli" as never }),
      () => exportThread({} as never, threadId, path),
      () => importThread(saver, 7 as never),
      () => importThread(saver, path, { threadID: "x" } as never),
      () => importThread(null as never, path),
    ];
    for (const call of bad) {
      const error = await call().catch((caught: unknown) => caught);
      expect(InvalidOptionsError.isInstance(error)).toBe(true);
    }
    expect(await readFile(path, "utf8")).toBe("as it was");
  });

  it("an unknown thread is not exported, and no file is left", async () => {
    const path = join(directory, "unknown");
    const error = await exportThread(database.openSaver(), "unknown", path).catch(
      (caught: unknown) => caught,
    );
    expect(ThreadNotFoundError.isInstance(error)).toBe(true);
    expect(await readdir(directory)).not.toContain("unknown");
  });

  it("a thread that is there is not imported over", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const archive = await collect(streamThread(saver, threadId));
    const before = await database.readAll(threadId);
    const error = await importThread(saver, once(archive)).catch((caught: unknown) => caught);
    expect(ThreadNotEmptyError.isInstance(error)).toBe(true);
    expect(await database.readAll(threadId)).toEqual(before);
    const createdId = uuid6(3);
    await saver.threads.create(createdId, { metadata: { user: "ada" } });
    await expect(importThread(saver, once(archive), { threadId: createdId })).rejects.toThrow(
      /is here already/,
    );
  });

  it("a signal ends both", async () => {
    const saver = database.openSaver();
    await fillThread(saver, threadId);
    const archive = await collect(streamThread(saver, threadId));
    const aborted = AbortSignal.abort(new Error("enough"));
    const copyId = `${threadId}-copy`;
    await expect(
      exportThread(saver, threadId, new PassThrough(), { signal: aborted }),
    ).rejects.toThrow("enough");
    await expect(
      importThread(saver, once(archive), { threadId: copyId, signal: aborted }),
    ).rejects.toThrow("enough");
    expect(await saver.getTuple(threadConfig(copyId))).toBeUndefined();
  });
});

function rename(everything: Everything, from: string, to: string): unknown {
  const { latest, listed, single } = everything;
  const renameConfig = (config: { configurable?: Record<string, unknown> } | undefined): void => {
    if (config?.configurable?.["thread_id"] === from) config.configurable["thread_id"] = to;
  };
  for (const tuple of [latest, ...listed, ...single]) {
    renameConfig(tuple?.config);
    renameConfig(tuple?.parentConfig);
  }
  return everything;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
