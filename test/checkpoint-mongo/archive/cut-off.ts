import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import type { ArchiveStore } from "@threadkeep/checkpoint-mongo/archive";
import { MongoClient } from "mongodb";
import { CommandProxy, ConnectionLost, isOfDriver } from "../../network/command-proxy.ts";
import type { TestDatabase } from "../use-database.ts";

/** Steps that a process takes before it ends: commands to the database, and what it asks of the archive store. */
class Steps {
  left = Infinity;

  /** @throws ConnectionLost if the process has ended */
  take(): void {
    this.left -= 1;
    if (this.left < 0) throw new ConnectionLost();
  }
}

/**
 * Runs an action in a process that ends after so many steps: commands to the database, and calls of the archive
 * store. What it sent by then was carried out, and nothing after it.
 *
 * @returns whether the action was done before that
 */
export async function runUntil(
  { uri, name }: Pick<TestDatabase, "uri" | "name">,
  steps: number,
  action: (saver: MongoDBSaver) => Promise<unknown>,
  { archive, ...settings }: MongoDBSaverSettings = {},
): Promise<boolean> {
  const counted = new Steps();
  await using proxy = await CommandProxy.start(uri, async (command, send) => {
    if (!isOfDriver(command)) counted.take();
    return send(command);
  });
  const client = new MongoClient(proxy.uri, { retryWrites: false, retryReads: false });
  const saver = new MongoDBSaver({
    client,
    dbName: name,
    retry: { deadlineMs: 0 },
    ...settings,
    ...(archive && { archive: countCalls(archive, counted) }),
  });
  await saver.setup();
  counted.left = steps;
  try {
    await action(saver);
    return counted.left >= 0;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

function countCalls(archive: ArchiveStore, steps: Steps): ArchiveStore {
  return {
    put: async (key, content) => {
      steps.take();
      await archive.put(key, content);
    },
    get: async (key) => {
      steps.take();
      return archive.get(key);
    },
    delete: async (key) => {
      steps.take();
      await archive.delete(key);
    },
    list: (prefix) => archive.list(prefix),
  };
}
