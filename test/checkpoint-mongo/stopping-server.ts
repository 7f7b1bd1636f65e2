import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { connectThrough } from "./connect-through.ts";
import { isSave, listUpdates, takeUpdates, type SentUpdate } from "./send-in-parts.ts";
import type { TestDatabase } from "./use-database.ts";

const REPLY = { ok: 0, code: 8, codeName: "UnknownError", errmsg: "The server has stopped." };

/** What the saver's caller is told of a command that was not carried out as a whole. */
export const STOPPED = { code: "STORAGE_REFUSED", cause: { code: 8, message: REPLY.errmsg } };

/**
 * A saver whose server carries out just the first updates of a command.
 *
 * @param choose how many of them
 */
export async function openOnStoppingServer(
  { uri, name }: Pick<TestDatabase, "uri" | "name">,
  choose: (updates: readonly SentUpdate[]) => number,
  settings: MongoDBSaverSettings = {},
): Promise<MongoDBSaver> {
  const client = await connectThrough(uri, async (command, send) => {
    if (!isSave(command)) return send(command);
    const updates = listUpdates(command);
    const count = choose(updates);
    if (count >= updates.length) return send(command);
    if (count > 0) await send(takeUpdates(command, 0, count));
    return REPLY;
  });
  const saver = new MongoDBSaver({ ...settings, client, dbName: name });
  await saver.setup();
  return saver;
}
