import type { Document } from "mongodb";
import { cp, rm } from "node:fs/promises";
import type { TestDatabase } from "../use-database.ts";

/** What is stored of a thread now, so that it can be stored so again. Building a thread takes longer. */
export interface StoredThread {
  putBack(): Promise<void>;
}

/**
 * Remembers what is stored of a thread.
 *
 * @param collections by default only that of the saver
 */
export async function rememberThread(
  { db }: Pick<TestDatabase, "db">,
  threadId: string,
  collections: readonly string[] = ["threadkeep_threads"],
): Promise<StoredThread> {
  const remembered = new Map<string, readonly Document[]>();
  for (const name of collections) {
    remembered.set(name, await db.collection(name).find({ thread_id: threadId }).toArray());
  }
  return {
    putBack: async () => {
      for (const [name, documents] of remembered) {
        await db.collection(name).deleteMany({ thread_id: threadId });
        if (documents.length > 0) await db.collection(name).insertMany([...documents]);
      }
    },
  };
}

/** Makes a directory hold what another one holds, and nothing else. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}
