import type { StoredBytes } from "../driver/binary.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import type { Store } from "./store.ts";

/** How much is stored of a thread. */
export interface ThreadSize {
  readonly checkpoints: number;
  readonly bytes: number;
}

/** Counts a thread's checkpoints, and the bytes of all of its documents. */
export async function measureThread(
  { all }: Pick<Store, "all">,
  threadId: string,
): Promise<ThreadSize> {
  const kinds = await all
    .aggregate<{ readonly _id: unknown; readonly count: number; readonly bytes: number }>([
      { $match: { thread_id: threadId } },
      { $group: { _id: "$kind", count: { $sum: 1 }, bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
    ])
    .toArray();
  return {
    checkpoints: kinds.find(({ _id }) => _id === "checkpoint")?.count ?? 0,
    bytes: kinds.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The bytes of each segment of a thread, by its root. */
export async function measureSegments(
  { all, encryption }: Pick<Store, "all" | "encryption">,
  threadId: string,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const found = all.aggregate<{ readonly _id: StoredBytes; readonly bytes: number }>([
    { $match: { thread_id: threadId, kind: "segment" } },
    { $group: { _id: "$segment", bytes: { $sum: { $bsonSize: "$$ROOT" } } } },
  ]);
  for await (const { _id, bytes } of found) {
    const root = encryption === undefined ? _id : await encryption.openRoot(threadId, _id);
    if (isBinary(root)) sizes.set(bytesToHex(root), (sizes.get(bytesToHex(root)) ?? 0) + bytes);
  }
  return sizes;
}
