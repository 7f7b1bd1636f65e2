import type { Db, Document } from "mongodb";
import { isUnauthorized, readErrorCode } from "../driver/server-errors.ts";

/** How large a collection is; undefined is what the server does not tell. */
export interface CollectionSize {
  readonly documents: number | undefined;
  /** Bytes of the documents, before the server compresses them. */
  readonly dataBytes: number | undefined;
  /** Bytes on disk, without the indexes. */
  readonly storageBytes: number | undefined;
  readonly indexBytes: number | undefined;
}

const NAMESPACE_NOT_FOUND = 26;

/** Asks the server how large a collection is. On a sharded cluster these are the sums of all shards. */
export async function measureCollection(db: Db, name: string): Promise<CollectionSize> {
  const stats = await askForStats(db, name);
  const read = (field: string): number | undefined => {
    const values = stats.map((shard) => shard[field] as unknown).filter((value) => value != null);
    return values.length === 0
      ? undefined
      : values.reduce((sum: number, value) => sum + Number(value), 0);
  };
  const documents = read("count");
  // Some servers have the fields, and nothing in them.
  const readBytes = (field: string): number | undefined => {
    const bytes = read(field);
    return bytes === 0 && documents !== 0 ? undefined : bytes;
  };
  return {
    documents,
    dataBytes: readBytes("size"),
    storageBytes: readBytes("storageSize"),
    indexBytes: readBytes("totalIndexSize"),
  };
}

async function askForStats(db: Db, name: string): Promise<readonly Document[]> {
  try {
    const shards = await db
      .collection(name)
      .aggregate([{ $collStats: { storageStats: {} } }])
      .toArray();
    return shards.map(({ storageStats }) => storageStats as Document);
  } catch (error) {
    if (isUnauthorized(error)) return [];
    if (readErrorCode(error) === NAMESPACE_NOT_FOUND) return [{ count: 0, size: 0 }];
    // Older and other servers have only the command.
    return askByCommand(db, name);
  }
}

async function askByCommand(db: Db, name: string): Promise<readonly Document[]> {
  try {
    return [await db.command({ collStats: name })];
  } catch {
    return [];
  }
}
