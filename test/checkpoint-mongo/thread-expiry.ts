import type { Document } from "mongodb";
import { expect } from "vitest";
import { COLLECTION, type TestDatabase } from "./use-database.ts";

/** A record stays so much longer than its thread. */
export const DAY_MS: number = 24 * 60 * 60 * 1_000;

/** When each of a thread's documents says that the thread expires; undefined for never. */
export async function readExpiries(
  database: Pick<TestDatabase, "readAll">,
  threadId: string,
): Promise<(number | undefined)[]> {
  const documents = await database.readAll(threadId);
  return documents.map(({ kind, expires_at }: Document) => {
    const ms = (expires_at as Date | null | undefined)?.getTime();
    return ms === undefined || kind !== "thread" ? ms : ms - DAY_MS;
  });
}

/** When a thread expires, on which all of its documents have to agree. */
export async function readExpiry(
  database: Pick<TestDatabase, "readAll">,
  threadId: string,
): Promise<number | undefined> {
  const expiries = new Set(await readExpiries(database, threadId));
  expect(expiries.size).toBe(1);
  return [...expiries][0];
}

/** Gives a thread another expiry, as if it had been written to at another time. */
export async function setExpiry(
  database: Pick<TestDatabase, "db">,
  threadId: string,
  expiresAt: Date,
): Promise<void> {
  const collection = database.db.collection(COLLECTION);
  const thread = { thread_id: threadId };
  await collection.updateMany(
    { ...thread, kind: { $ne: "thread" } },
    { $set: { expires_at: expiresAt } },
  );
  const removedAt = new Date(expiresAt.getTime() + DAY_MS);
  await collection.updateOne({ ...thread, kind: "thread" }, { $set: { expires_at: removedAt } });
}
