import type { MemorySaver } from "@langchain/langgraph-checkpoint";
import type { Db } from "mongodb";

/** The sizes of all documents of a database, as BSON, before the server's own compression. */
export async function sumStoredBytes(db: Db): Promise<number> {
  const collections = await db.collections();
  const sums = await Promise.all(
    collections.map(async (collection) => {
      const [sum] = await collection
        .aggregate<{ bytes: number }>([
          { $group: { _id: null, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
        ])
        .toArray();
      return sum?.bytes ?? 0;
    }),
  );
  return sums.reduce((total, bytes) => total + bytes, 0);
}

/** The sizes of all serialized values that a MemorySaver holds. */
export function sumMemoryBytes({ storage, writes }: MemorySaver): number {
  return sumBuffers(storage) + sumBuffers(writes);
}

function sumBuffers(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((total, part) => total + sumBuffers(part), 0);
}
