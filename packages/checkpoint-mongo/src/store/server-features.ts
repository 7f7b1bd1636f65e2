import type { Db } from "mongodb";

/** What a store has to know of its server. */
export interface ServerFeatures {
  /**
   * Whether it is the router of a sharded cluster. There a join asks all shards, and a find that names
   * the thread asks one.
   */
  readonly isSharded: boolean;
}

/** Asks the server what it is. */
export async function detectFeatures(db: Db): Promise<ServerFeatures> {
  // Through `admin`: the driver gives this command no socket timeout, so it has a time limit of ours.
  const hello = await db.admin().command({ hello: 1 });
  return { isSharded: hello["msg"] === "isdbgrid" };
}
