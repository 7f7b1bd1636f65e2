import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { CommandProxy, ConnectionLost, isOfDriver } from "../network/command-proxy.ts";

/**
 * Does something with a saver whose process ends after so many commands.
 *
 * @returns whether it was done before
 */
export async function stopAfter(
  { uri, name }: { readonly uri: string; readonly name: string },
  commands: number,
  action: (saver: MongoDBSaver) => Promise<unknown>,
  settings: MongoDBSaverSettings = {},
): Promise<boolean> {
  let left = Infinity;
  await using proxy = await CommandProxy.start(uri, (command, send) => {
    if (!isOfDriver(command)) left -= 1;
    return left < 0 ? Promise.reject(new ConnectionLost()) : send(command);
  });
  const client = new MongoClient(proxy.uri, { retryWrites: false, retryReads: false });
  const saver = new MongoDBSaver({ retry: { deadlineMs: 0 }, ...settings, client, dbName: name });
  await saver.setup();
  left = commands;
  try {
    await action(saver);
    return left >= 0;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
