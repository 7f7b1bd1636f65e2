import { InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import { FileArchiveStore, type ArchiveStore } from "@threadkeep/checkpoint-mongo/archive";
import { S3ArchiveStore } from "@threadkeep/checkpoint-mongo/archive-s3";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startS3, type S3Bucket } from "./s3-server.ts";

let directory: string;
let s3: S3Bucket;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-store-"));
  s3 = await startS3();
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await s3[Symbol.asyncDispose]();
});

/** Each in a place of its own. */
let opened = 0;
const stores: Record<string, () => ArchiveStore> = {
  "a directory": () => new FileArchiveStore(join(directory, String((opened += 1)))),
  "a bucket of S3": () => s3.openStore(`store-${(opened += 1)}/`),
};

describe.each(Object.keys(stores))("an archive store in %s", (name) => {
  const open = stores[name]!;

  it.each([0, 1, 70_000, 20_000_000])("gives back %i bytes as they were put", async (bytes) => {
    const store = open();
    const content = randomBytes(bytes);
    await store.put("thread/copy-1", cut(content));
    expect(Buffer.compare((await read(store, "thread/copy-1"))!, content)).toBe(0);
    const [listed, ...others] = await Array.fromAsync(store.list());
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ key: "thread/copy-1", bytes });
    expect(Math.abs(listed!.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it("says that there is nothing of an unknown key, and removes it without a fault", async () => {
    const store = open();
    expect(await store.get("thread/none")).toBeUndefined();
    await store.delete("thread/none");
    expect(await Array.fromAsync(store.list())).toEqual([]);
  });

  it("replaces, removes and lists by the beginning of keys", async () => {
    const store = open();
    for (const key of ["a/1", "a/2", "ab/1", "b/1"]) await store.put(key, cut(Buffer.from(key)));
    await store.put("a/1", cut(Buffer.from("again")));
    expect((await read(store, "a/1"))?.toString()).toBe("again");
    const list = async (prefix?: string): Promise<string[]> =>
      (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
    expect(await list()).toEqual(["a/1", "a/2", "ab/1", "b/1"]);
    expect(await list("a/")).toEqual(["a/1", "a/2"]);
    expect(await list("a")).toEqual(["a/1", "a/2", "ab/1"]);
    await store.delete("a/1");
    expect(await list("a/")).toEqual(["a/2"]);
    expect(await store.get("a/1")).toBeUndefined();
  });

  it.each([100, 20_000_000])("shows nothing of what failed after %i bytes", async (bytes) => {
    const store = open();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield randomBytes(bytes);
      throw new Error("the source failed");
    }
    await expect(store.put("thread/copy", failing())).rejects.toThrow("the source failed");
    expect(await store.get("thread/copy")).toBeUndefined();
    expect(await Array.fromAsync(store.list())).toEqual([]);
  });
});

it("a directory keeps no file of what failed, and leaves out what is not complete", async () => {
  const path = join(directory, "partial");
  const store = new FileArchiveStore(path);
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield randomBytes(10);
    expect(await Array.fromAsync(store.list())).toEqual([]);
    throw new Error("the source failed");
  }
  await expect(store.put("a/b", failing())).rejects.toThrow("the source failed");
  expect(await readdir(join(path, "a"))).toEqual([]);
});

it.each(["", "/etc/passwd", "../outside", "a/../../b", "a//b", "a\0b"])(
  "a directory refuses the key %j",
  async (key) => {
    const store = new FileArchiveStore(join(directory, "keys"));
    for (const call of [
      () => store.get(key),
      () => store.put(key, cut(Buffer.alloc(1))),
      () => store.delete(key),
    ]) {
      const error = await call().catch((caught: unknown) => caught);
      expect(InvalidOptionsError.isInstance(error)).toBe(true);
    }
  },
);

it("wrong options are refused", () => {
  expect(() => new FileArchiveStore("")).toThrow(InvalidOptionsError);
  expect(() => new FileArchiveStore(undefined as never)).toThrow(InvalidOptionsError);
  expect(() => new S3ArchiveStore({} as never)).toThrow(/bucket: expected/);
  expect(() => new S3ArchiveStore({ bucket: "agents", bukket: 1 } as never)).toThrow(
    /unknown option/,
  );
  expect(() => new S3ArchiveStore({ bucket: "agents", client: {} as never })).toThrow(
    /client: expected/,
  );
});

it("a bucket that is not there is an error of its own", async () => {
  const store = new S3ArchiveStore({ bucket: "nowhere", client: s3.client });
  await expect(store.get("a/b")).rejects.toThrow(/bucket/i);
});

async function* cut(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < content.byteLength; start += 65_536) {
    yield content.subarray(start, start + 65_536);
  }
}

async function read(store: ArchiveStore, key: string): Promise<Buffer | undefined> {
  const content = await store.get(key);
  return content && Buffer.concat(await Array.fromAsync(content));
}
