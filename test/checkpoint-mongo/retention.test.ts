import { InvalidOptionsError, ThreadNotFoundError } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const TTL = { ttl: 600, ttlSlack: 0.5 };

it("a pinned thread stays, whatever ttl the savers have that write to it", async () => {
  const saver = database.openSaver(TTL);
  const other = database.openSaverElsewhere({ ttl: 1, ttlSlack: 0.1 });
  await put(saver, "pinned");
  await other.getTuple(threadConfig("pinned"));
  await saver.setRetention("pinned", { pinned: true });
  expect(await readExpiries("pinned")).toEqual(["never"]);
  await put(other, "pinned");
  await put(saver, "pinned");
  expect(await readExpiries("pinned")).toEqual(["never"]);
  expect((await saver.threads.get("pinned"))!.expiresAt).toBeUndefined();
  expect((await saver.verifyThread("pinned")).damages).toEqual([]);
});

it("a thread with a ttl of its own expires by it, and all of its documents do", async () => {
  for (const saver of [database.openSaver(TTL), database.openSaver()]) {
    const threadId = `own ${saver === undefined ? "" : Math.random()}`;
    await put(saver, threadId);
    await saver.setRetention(threadId, { ttlSeconds: 1 });
    await put(saver, threadId);
    const { damages } = await saver.verifyThread(threadId);
    expect(damages).toEqual([]);
    await sleep(1_700);
    expect(await database.openSaver().getTuple(threadConfig(threadId))).toBeUndefined();
  }
});

it("a thread whose retention is taken back expires by the saver's ttl again", async () => {
  const saver = database.openSaver(TTL);
  await put(saver, "back");
  await saver.setRetention("back", { pinned: true });
  await saver.setRetention("back", null);
  const [expiry] = await readExpiries("back");
  const leftSeconds = (Date.parse(expiry!) - Date.now()) / 1_000;
  expect(leftSeconds).toBeGreaterThan(600);
  expect(leftSeconds).toBeLessThan(910);
});

it("a retention ends with the life of its thread", async () => {
  const saver = database.openSaver(TTL);
  await put(saver, "life");
  await saver.setRetention("life", { pinned: true });
  await saver.deleteThread("life");
  await put(saver, "life");
  expect(await readExpiries("life")).not.toContain("never");
});

it("a retention that is none, or of a thread that is not there, is refused and changes nothing", async () => {
  const saver = database.openSaver();
  await put(saver, "refused");
  const before = await database.readAll("refused");
  for (const wrong of [
    undefined,
    {},
    { ttlSeconds: 0 },
    { pinned: false },
    { ttlSeconds: 1, pinned: true },
  ]) {
    const error = await saver.setRetention("refused", wrong as never).catch((e: unknown) => e);
    expect(InvalidOptionsError.isInstance(error)).toBe(true);
    expect((error as Error).message).toMatch(/setRetention/);
  }
  expect(await database.readAll("refused")).toEqual(before);
  const missing = await saver.setRetention("nobody", { pinned: true }).catch((e: unknown) => e);
  expect(ThreadNotFoundError.isInstance(missing)).toBe(true);
  expect(await database.readAll("nobody")).toEqual([]);
});

async function put(saver: ReturnType<typeof database.openSaver>, threadId: string) {
  const tuple = await saver.getTuple(threadConfig(threadId));
  const parent = tuple?.config ?? threadConfig(threadId);
  const config = await putCheckpoint(saver, parent, makeCheckpoint({ list: ["x".repeat(1_000)] }));
  await saver.putWrites(config, [["list", 1]], "task");
}

/** The distinct expiries of a thread's documents, but its record. */
async function readExpiries(threadId: string): Promise<string[]> {
  const documents = (await database.readAll(threadId)).filter(({ kind }) => kind !== "thread");
  const dates = documents.map(({ expires_at: date }) =>
    date instanceof Date ? date.toISOString() : "never",
  );
  return [...new Set(dates)];
}
