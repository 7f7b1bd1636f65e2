import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  InvalidArchiveError,
  type MongoDBSaver,
  ThreadNotEmptyError,
  UnsupportedFormatError,
} from "@threadkeep/checkpoint-mongo";
import { importThread, streamThread } from "@threadkeep/checkpoint-mongo/archive";
import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { runUntil } from "./cut-off.ts";
import { fillThread } from "./fill-thread.ts";

const database = useDatabase();
const threadId = uuid6(0);
let lines: readonly string[];

/** Another collection: there is nothing of the thread. */
const elsewhere = { collectionPrefix: "elsewhere_" };

beforeAll(async () => {
  const saver = database.openSaver();
  await fillThread(saver, threadId, { steps: 1 });
  const chunks = await Array.fromAsync(streamThread(saver, threadId));
  lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
  await database.openSaver(elsewhere).setup();
});

describe("an archive that is not as it was written is refused, and nothing is stored", () => {
  it("whichever of its lines is changed, by the number of the line", async () => {
    for (const [index, line] of lines.entries()) {
      const at = Math.floor(line.length / 2);
      const other = line[at] === "x" ? "y" : "x";
      const changed = `${line.slice(0, at)}${other}${line.slice(at + 1)}`;
      expect([index, await expectRefusal(lines.with(index, changed))]).toEqual([index, index + 1]);
    }
  });

  it("whichever of its lines is missing, comes twice or changes its place", async () => {
    for (let index = 1; index < lines.length; index += 1) {
      await expect(expectRefusal(lines.toSpliced(index, 1))).resolves.toBe(index + 1);
      await expect(expectRefusal(lines.toSpliced(index, 0, lines[index]!))).resolves.toBe(
        index + 2,
      );
    }
    await expectRefusal(lines.toSpliced(1, 2, lines[2]!, lines[1]!));
  });

  it("wherever it is cut short", async () => {
    for (let count = 0; count < lines.length; count += 1) {
      await expectRefusal(lines.slice(0, count));
      const half = lines[count]!.slice(0, lines[count]!.length / 2);
      await expect(expectRefusal([...lines.slice(0, count), half])).resolves.toBe(count + 1);
    }
  });

  it("whatever its compression, wherever that is cut short or damaged", async () => {
    const plain = Buffer.from(`${lines.join("\n")}\n`);
    for (const packed of [gzipSync(plain), zstdCompressSync(plain)]) {
      for (const share of [0.1, 0.5, 0.9, 0.99]) {
        await expectRefusalOf(packed.subarray(0, Math.floor(packed.byteLength * share)));
      }
      const damaged = Buffer.from(packed);
      damaged[Math.floor(damaged.byteLength / 2)]! ^= 0xff;
      await expectRefusalOf(damaged);
    }
  });

  it.each([
    ["nothing", ""],
    ["an empty line", "\n"],
    ["prose", "Dear reader,\nthis is not an archive.\n"],
    ["JSON of something else", '{"name":"x"}\n'],
    ["an array", "[]\n"],
    ["a number", "1\n"],
    ["null", "null\n"],
    ["bytes", "\u0000\u0001\u0002\u0003"],
    ["a line without an end", "x".repeat(40_000_000)],
  ])("if it is something else: %s", async (_name, text) => {
    await expect(expectRefusalOf(Buffer.from(text))).resolves.toBeOneOf([undefined, 1]);
  });

  it("though someone has made the hashes of its lines fit", async () => {
    const inner = lines.findIndex((line) => line.startsWith('{"checkpoint":'));
    // Another place in the order: the checkpoint's own hash covers that.
    const forged = lines.with(inner, lines[inner]!.replace(/"seq":\d+/, '"seq":99'));
    await expect(expectRefusal(rehash(forged))).resolves.toBe(inner + 1);
    const ofOther = lines.map((line) => line.replaceAll(threadId, uuid6(1)));
    await expectRefusal(rehash(ofOther));
    // The last line covers the number of lines, too.
    await expectRefusal(rehash(lines.toSpliced(inner, 1)));
  });

  it("if a newer version has written it: the error says so", async () => {
    const newer = lines.with(0, lines[0]!.replace('"version":1', '"version":2'));
    const importing = importThread(database.openSaver(elsewhere), toChunks(newer));
    const error = await importing.catch((caught: unknown) => caught);
    expect(UnsupportedFormatError.isInstance(error) && error.message).toMatch(
      /version 2.*upgrade/s,
    );
    expect(await countStored()).toBe(0);
  });
});

describe("an import that was interrupted", () => {
  it("wherever it was, leaves no thread or a whole one, and can be repeated", async () => {
    const seen = new Set<boolean>();
    for (let steps = 0; ; steps += 1) {
      const id = uuid6(2);
      const isDone = await runUntil(database, steps, (saver) =>
        importThread(saver, toChunks(lines), { threadId: id }),
      );
      const after = database.openSaver();
      const tuple = await after.getTuple(threadConfig(id));
      seen.add(tuple !== undefined);
      if (tuple === undefined) {
        await expectNothing(after, id);
        if (steps % 2 === 0) await after.sweep({ threadId: id });
        await importThread(after, toChunks(lines), { threadId: id });
      }
      expect((await Array.fromAsync(after.list(threadConfig(id)))).length).toBe(3);
      expect((await after.verifyThread(id)).damages).toEqual([]);
      if (isDone) break;
    }
    expect(seen).toEqual(new Set([false, true]));
  }, 120_000);

  it("does not hinder a run that begins the thread instead", async () => {
    for (const steps of [3, 5, 8]) {
      const id = uuid6(2);
      await runUntil(database, steps, (saver) =>
        importThread(saver, toChunks(lines), { threadId: id }),
      );
      const saver = database.openSaver();
      const config = await putCheckpoint(saver, threadConfig(id), makeCheckpoint({ own: steps }));
      expect((await saver.getTuple(threadConfig(id)))?.config).toEqual(config);
      expect((await saver.verifyThread(id)).damages).toEqual([]);
      const error = await importThread(saver, toChunks(lines), { threadId: id }).catch(
        (caught: unknown) => caught,
      );
      expect(ThreadNotEmptyError.isInstance(error)).toBe(true);
      expect((await Array.fromAsync(saver.list(threadConfig(id)))).length).toBe(1);
    }
  });

  it("is seen by nobody while it is under way, and gives way to a run that begins the thread", async () => {
    const id = uuid6(2);
    const saver = database.openSaver();
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (const line of lines.slice(0, -1)) yield Buffer.from(`${line}\n`);
      expect(await saver.getTuple(threadConfig(id))).toBeUndefined();
      expect((await saver.threads.search({ ids: [id] })).threads).toEqual([]);
      await saver.sweep({ threadId: id });
      await putCheckpoint(
        database.openSaverElsewhere(),
        threadConfig(id),
        makeCheckpoint({ own: 1 }),
      );
      yield Buffer.from(`${lines.at(-1)}\n`);
    }
    const error = await importThread(saver, slowly(), { threadId: id }).catch(
      (caught: unknown) => caught,
    );
    expect(ThreadNotEmptyError.isInstance(error)).toBe(true);
    const tuple = await saver.getTuple(threadConfig(id));
    expect(tuple?.checkpoint.channel_values).toEqual({ own: 1 });
    expect((await saver.verifyThread(id)).damages).toEqual([]);
  });

  it("survives a sweep meanwhile", async () => {
    const id = uuid6(2);
    const saver = database.openSaver();
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (const line of lines.slice(0, -1)) yield Buffer.from(`${line}\n`);
      await database.openSaverElsewhere().sweep({ threadId: id });
      yield Buffer.from(`${lines.at(-1)}\n`);
    }
    await importThread(saver, slowly(), { threadId: id });
    expect((await saver.verifyThread(id)).damages).toEqual([]);
  });

  it("two imports of one thread at once leave one whole thread", async () => {
    const id = uuid6(2);
    const savers = [database.openSaver(), database.openSaverElsewhere()];
    const outcomes = await Promise.allSettled(
      savers.map((saver) => importThread(saver, toChunks(lines), { threadId: id })),
    );
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeLessThan(2);
    for (const outcome of refused) {
      expect(ThreadNotEmptyError.isInstance((outcome as PromiseRejectedResult).reason)).toBe(true);
    }
    expect((await savers[0]!.verifyThread(id)).damages).toEqual([]);
    expect((await Array.fromAsync(savers[0]!.list(threadConfig(id)))).length).toBe(3);
  });
});

async function expectNothing(saver: MongoDBSaver, id: string): Promise<void> {
  expect(await Array.fromAsync(saver.list(threadConfig(id)))).toEqual([]);
  expect(await saver.threads.get(id)).toBeUndefined();
  expect((await saver.threads.search({ ids: [id] })).threads).toEqual([]);
  expect((await saver.verifyThread(id)).damages).toEqual([]);
}

/** @returns the line that the error names */
function expectRefusal(changed: readonly string[]): Promise<number | undefined> {
  return expectRefusalOf(Buffer.from(changed.map((line) => `${line}\n`).join("")));
}

async function expectRefusalOf(bytes: Uint8Array): Promise<number | undefined> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const importing = importThread(database.openSaver(elsewhere), once());
  const error = await importing.catch((caught: unknown) => caught);
  if (!InvalidArchiveError.isInstance(error)) throw error;
  expect(await countStored()).toBe(0);
  return error.line;
}

/** What is stored that anybody sees: of a thread that did not come in, a record stays for a day. */
async function countStored(): Promise<number> {
  const documents = await database.db
    .collection("elsewhere_threads")
    .find({ $or: [{ kind: { $ne: "thread" } }, { deleted_at: { $exists: false } }] })
    .toArray();
  return documents.length;
}

function rehash(changed: readonly string[]): string[] {
  let last = "";
  return changed.map((line) => {
    const text = line.slice(0, line.lastIndexOf(',"hash":"'));
    last = createHash("sha256").update(`${last}${text}`).digest("hex").slice(0, 32);
    return `${text},"hash":"${last}"}`;
  });
}

async function* toChunks(all: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of all) yield Buffer.from(`${line}\n`);
}
