import type { Db } from "mongodb";

/**
 * Whether the connection is to a router of a sharded cluster. There a join would ask all shards, where
 * a find that names the thread asks one.
 */
export async function detectSharding(db: Db): Promise<boolean> {
  const hello = await db.command({ hello: 1 });
  return hello["msg"] === "isdbgrid";
}
