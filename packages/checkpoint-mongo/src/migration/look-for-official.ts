import type { Db, MongoClient } from "mongodb";
import { listCollectionNames } from "../driver/list-collection-names.ts";
import { OncePerClient } from "../driver/once-per-client.ts";

/** Where nothing was found it is looked again after this time: the official saver may start later. */
const LOOK_AGAIN_MS = 60_000;

/** What was found, and when. */
interface Look {
  readonly isThere: boolean;
  readonly atMs: number;
}

const looks = new OncePerClient<Look>();

/**
 * Whether the official saver's collection of checkpoints is in a database. Once it has been found,
 * the server is not asked again, nor within a minute after it was not.
 */
export async function isOfficialThere(
  client: MongoClient,
  db: Db,
  collectionName: string,
): Promise<boolean> {
  const key = formatKey(db, collectionName);
  const look = () => looks.do(client, key, () => lookFor(db, collectionName));
  const last = look();
  const { isThere, atMs } = await last;
  if (isThere || performance.now() - atMs < LOOK_AGAIN_MS) return isThere;
  looks.forget(client, key, last);
  return (await look()).isThere;
}

/** Lets the next one look again. */
export function forgetLook(client: MongoClient, db: Db, collectionName: string): void {
  looks.forget(client, formatKey(db, collectionName));
}

async function lookFor(db: Db, name: string): Promise<Look> {
  const found = await listCollectionNames(db, [name]);
  return { isThere: found.length > 0, atMs: performance.now() };
}

function formatKey(db: Db, collectionName: string): string {
  return JSON.stringify([db.databaseName, collectionName]);
}
